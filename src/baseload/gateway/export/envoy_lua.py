"""The Lua that Envoy runs on a request: rules as tables, and the code that reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from baseload.gateway.export.envoy_rules import Move, Rule
from baseload.workloads.cascade import CODING_AGENT

_SPECIAL: Final = re.compile(r"[^A-Za-z0-9 _.:,*/{}\[\]()-]")

_CODE: Final = r"""
local find, sub, lower, match, byte = string.find, string.sub, string.lower, string.match, string.byte

-- Whether a value is a pattern of the policy: without case, a * at its end meets any rest.
local function holds(patterns, value)
  if value == nil or value == "" then return false end
  value = lower(value)
  for _, one in ipairs(patterns) do
    if sub(one, -1) == "*" then
      if sub(value, 1, #one - 1) == sub(one, 1, -2) then return true end
    elseif value == one then
      return true
    end
  end
  return false
end

local function credential(headers)
  local key = headers:get("x-api-key")
  if key and key ~= "" then return key end
  return match(headers:get("authorization") or "", "^[Bb]earer (.+)$")
end

local function claims(rule, headers, ours)
  if rule.tags then
    for name, pattern in pairs(rule.tags) do
      local value = ours["x-baseload-tag-" .. name] or ours["x-baseload-tag-" .. string.gsub(name, "_", "-")]
      if not holds({pattern}, value) then return false end
    end
  end
  if rule.keys then
    local key = credential(headers)
    if not key then return false end
    local known = rule.any_key
    for _, one in ipairs(rule.keys) do known = known or one == key end
    if not known then return false end
  end
  if rule.agents then
    local agent = ours["x-baseload-agent"]
    if not agent and find(headers:get("user-agent") or "", "claude-cli/", 1, true) == 1 then agent = "@CODING@" end
    if not holds(rule.agents, agent) then return false end
  end
  if rule.workspaces and not holds(rule.workspaces, headers:get("anthropic-workspace-id")) then return false end
  return true
end

local function claimed(headers, ours)
  local name = ours["x-baseload-workload"]
  if name and named[name] then return rules[named[name]] end
  for _, rule in ipairs(rules) do
    if not rule.by_name_only and claims(rule, headers, ours) then return rule end
  end
  return nil
end

-- One pass over the texts of a body: members by name, values of type, role, model and max_tokens, wherever they stand.
-- So a member deep inside counts like one of the request's own, which at worst leaves a request as it is.
local function scanned(body)
  local seen = {members = {}, kinds = {}, models = 0, tokens = 0}
  local key = nil
  local at = 1
  while true do
    local open = find(body, '"', at, true)
    if not open then break end
    local close = open
    repeat
      close = find(body, '"', close + 1, true)
      if not close then return seen end
      local back = close - 1
      while byte(body, back) == 92 do back = back - 1 end
    until (close - back) % 2 == 1
    at = close + 1
    local next = byte(body, at)
    while next == 32 or next == 10 or next == 13 or next == 9 do
      at = at + 1
      next = byte(body, at)
    end
    if next == 58 then
      key = close - open < 40 and sub(body, open + 1, close - 1) or nil
      if key then
        seen.members[find(key, "\\", 1, true) and "\\" or key] = true
        if key == "max_tokens" then
          local asked = tonumber(match(body, "^%s*(%d+)", at + 1))
          seen.tokens = math.max(seen.tokens, asked or math.huge)
        end
      end
    else
      if key == "model" then
        seen.models, seen.first, seen.last = seen.models + 1, open, close
      elseif key == "role" then
        seen.role = sub(body, open + 1, close - 1)
        if seen.role == "system" then seen.system = true end
      elseif key == "type" and close - open < 60 then
        local kind = sub(body, open + 1, close - 1)
        if kind == "tool_use" then seen.pending = true elseif kind == "tool_result" then seen.pending = false end
        seen.kinds[#kind > 9 and find(kind, "_20%d%d%d%d%d%d$") and "dated" or kind] = true
      end
      key = nil
    end
  end
  return seen
end

-- Why a body stays as it is; nil where it may be moved.
local function kept(seen, move)
  if seen.members["\\"] then return "escaped-name" end
  for _, name in ipairs(move.not_members) do
    if seen.members[name] then return name end
  end
  for _, kind in ipairs(move.not_types) do
    if seen.kinds[kind] then return kind end
  end
  if seen.kinds.dated then return "tool-of-the-api" end
  if move.not_system and seen.system then return "system-turn" end
  -- the last role is that of the last turn, but for roles in the input of a tool that was not answered yet
  if move.not_prefilled and (seen.role ~= "user" or seen.pending) then return "prefill" end
  if seen.tokens > move.most_tokens then return "max_tokens" end
  return nil
end

local function moved(body, rule)
  local seen = scanned(body)
  local model = seen.models == 1 and sub(body, seen.first + 1, seen.last - 1)
  local move = model and rule.moves[model]
  if not move then return nil, "other-model" end
  local why = #body > move.most_bytes and "too-long" or kept(seen, move)
  if why then return nil, "kept:" .. why end
  return sub(body, 1, seen.first - 1) .. move.text .. sub(body, seen.last + 1), "candidate", move.target
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local ours = {}
  for name, value in pairs(headers) do
    if sub(name, 1, 11) == "x-baseload-" then ours[name] = value end
  end
  for name in pairs(ours) do headers:remove(name) end
  if headers:get(":method") ~= "POST" or match(headers:get(":path"), "^[^?]*") ~= "/v1/messages" then return end
  local reason, target, made = "no-entry", nil, nil
  local rule = claimed(headers, ours)
  if rule and lower(ours["x-baseload-pin"] or "") == "original" then
    reason = "pinned-by-header"
  elseif rule and not rule.moves then
    reason = "leave"
  elseif rule and headers:get("content-encoding") then
    reason = "kept:content-encoding"
  elseif rule then
    local body = handle:body()
    if body then
      made, reason, target = moved(body:getBytes(0, body:length()), rule)
      -- the headers from before are gone once the body was waited for
      if made then handle:headers():replace("content-length", tostring(body:setBytes(made))) end
    end
  end
  local said = handle:streamInfo():dynamicMetadata()
  said:set("baseload", "reason", reason)
  if target then said:set("baseload", "model", target) end
end

function envoy_on_response(handle)
  local said = handle:streamInfo():dynamicMetadata():get("baseload")
  if not said then return end
  handle:headers():replace("x-baseload-reason", said["reason"])
  if said["model"] then handle:headers():replace("x-baseload-model", said["model"]) end
end
"""


def script(rules: Sequence[Rule], policy_id: str) -> str:
    """The whole script; no key stands in it, only the names of the variables that hold them."""
    moves = _distinct(move for rule in rules for move in rule.moves)
    named: dict[str, int] = {}
    for number, rule in sorted(enumerate(rules, 1), key=lambda one: one[1].workload):
        for name in filter(None, (rule.workload, rule.name)):
            named.setdefault(name, number)
    lines = [f"-- Policy {policy_id}, by `baseload export envoy`: change the policy and export it again."]
    lines.append("local moves = {")
    lines += [f"  {_move(move)}," for move in moves]
    lines += ["}", "local rules = {"]
    lines += [f"  {_rule(rule, moves)}," for rule in rules]
    lines += ["}", "local named = {"]
    lines += [f"  [{text(name)}] = {number}," for name, number in named.items()]
    lines += ["}", _CODE.strip().replace("@CODING@", CODING_AGENT)]
    return "\n".join(lines) + "\n"


def text(value: str) -> str:
    """A Lua string: what is not plainly harmless is written by its bytes.

    >>> text("a-b"), text('"]]')
    ('"a-b"', '"\\\\034]]"')
    """
    return '"' + _SPECIAL.sub(lambda found: "".join(f"\\{one:03d}" for one in found[0].encode()), value) + '"'


def _distinct(moves: Iterable[Move]) -> list[Move]:
    found: list[Move] = []
    for move in moves:
        if move not in found:
            found.append(move)
    return found


def _move(move: Move) -> str:
    """What stands in place of the model's value, and what keeps a body as it is."""
    beside = "".join(f',"{name}":{value}' for name, value in move.members.items())
    fields = [
        f"target = {text(move.target)}",
        "text = " + text(f'"{move.target}"{beside}'),
        f"not_members = {_list(move.not_members)}",
        f"not_types = {_list(move.not_types)}",
        f"most_tokens = {move.most_tokens}",
        f"most_bytes = {move.most_bytes}",
    ]
    fields += [f"{name} = true" for name in ("not_system", "not_prefilled") if getattr(move, name)]
    return "{" + ", ".join(fields) + "}"


def _rule(rule: Rule, moves: Sequence[Move]) -> str:
    fields = []
    if rule.by_name_only:
        fields.append("by_name_only = true")
    if rule.tags:
        fields.append(f"tags = {_table(rule.tags)}")
    if rule.keys or rule.any_key:
        found = ", ".join(f"os.getenv({text(name)})" for name in rule.keys)
        fields.append(f"keys = {{{found}}}")
    if rule.any_key:
        fields.append("any_key = true")
    fields += [f"{name} = {_list(getattr(rule, name))}" for name in ("agents", "workspaces") if getattr(rule, name)]
    if rule.moves:
        by_name = (f"[{text(name)}] = moves[{moves.index(move) + 1}]" for move in rule.moves for name in move.names)
        fields.append("moves = {" + ", ".join(by_name) + "}")
    return "{" + ", ".join(fields) + "}"


def _list(values: Sequence[str]) -> str:
    return "{" + ", ".join(map(text, values)) + "}"


def _table(values: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"[{text(name)}] = {text(value)}" for name, value in values.items()) + "}"
