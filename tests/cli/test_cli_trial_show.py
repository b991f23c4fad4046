"""`baseload trial show`, and how plan and map take verdicts: what is shown, what is refused, what an edit does."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from baseload.cli.main import main
from baseload.cli.trial_folder import held_to_records, read_trials, stand_together
from baseload.cli.trial_inputs import trial_inputs
from baseload.quality.bar import Bar
from baseload.quality.record import Kind, Line, chained, line_bytes, verify
from baseload.quality.replay.journal import Result
from baseload.quality.trial.document import (
    ArmSummary,
    Discordant,
    Misses,
    SampleSummary,
    TrialDocument,
    TrialMoney,
    trial_bytes,
)
from baseload.values import Verdict, day_of_date

TODAY = ("--as-of", "2026-11-22")
SECRET = "the secret recipe is sugar"
HAIKU = "claude-haiku-5-5"


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("BASELOAD_ORG_KEY", "a test key of many characters")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "baseload.toml").write_text('name = "Test"\n')


def run(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    out, err = capfd.readouterr()
    return int(ended.value.code or 0), out, err


def record(differences: list[float], bar: Bar) -> bytes:
    """A finished record of these differences."""
    lines: list[Line] = []

    def add(kind: Kind, body: dict[str, Any]) -> None:
        lines.append(chained(kind, body, lines[-1] if lines else None))

    add("bar", msgspec.to_builtins(bar))
    for at, d in enumerate(differences):
        add("pair", {"call": f"call-{at}", "d": d, "how": "graded", "stratum": "short"})
    so_far = verify(b"".join(map(line_bytes, lines)))
    add("verdict", {"verdict": so_far.decision.verdict, "margin": so_far.tested_margin, "alpha": so_far.alpha})
    return b"".join(map(line_bytes, lines))


def trial(folder: Path, *, workload: str = "wl-1", differences: list[float] | None = None, **given: Any) -> Path:
    """A trial of 400 calls alike: 333 clean calls hold two points (docs/decisions/trial-test.md)."""
    bar = Bar(workload=workload, grader="label", budget_usd=Decimal(9))
    data = record([0.0] * 400 if differences is None else differences, bar)
    found = verify(data)
    assert found.agrees
    states = {"HOLDS": "holds", "BREAKS": "breaks", "NOT_SHOWN": "not_shown", "INVALID": "invalid"}
    document = TrialDocument(
        workload=workload, workload_name="Email triage", incumbent="claude-opus-5-5", candidate=HAIKU, effort="",
        state=states[found.decision.verdict], grade="replayed", verdict_id=found.head, reason=found.decision.reason,  # type: ignore[arg-type]  # one of the four
        bar=bar, bar_sha256=bar.sha256, grader_version="1", tier="truth", decided_day="2026-11-22",
        expires_day="2027-02-20", transport="batch", decision=found.decision, tested_margin=found.tested_margin,
        wealth=(), discordant=(Discordant(call_id="call-3", stratum="short", d=-1.0, how="graded", reason="wrong"),),
        discordant_calls=1, controls=None, noise_floor=None, guards=(),
        sample=SampleSummary(
            query="q", population_sha256="0" * 64, seed="s", calls=400, sessions=400, drawn=400, strata={"short": 400},
            held_back=0, left_out={}, capped_share=0.0, redaction="raw", not_replayable=0, not_replayable_share=0.0,
            not_replayable_reasons={},
        ),
        rewrites={}, arms=(ArmSummary(arm="candidate", model=HAIKU, calls=400, failures=0, refusals=0, truncations=0),),
        output_ratio_low=None, output_ratio_high=None,
        money=TrialMoney(
            cap_usd=Decimal(9), spent_usd=Decimal("0.1"), reserved_usd=Decimal(0), maybe_paid_twice_usd=Decimal(0),
            grading_usd=Decimal(0), saving_per_call_usd=Decimal("0.01"), calls_a_month=Decimal(1_000),
            saving_a_month_usd=Decimal(10), payback_months=Decimal("0.01"),
        ),
        misses=Misses(
            break_even_usd_per_miss=Decimal("0.43"), break_even_at_margin_usd_per_miss=Decimal("0.5"),
            cost_per_error_usd=None, extra_a_month_at_estimate=Decimal(0), extra_a_month_at_margin=Decimal(20),
            dollar_weighted_difference=0.0,
        ),
        approvals=(), sentence="It held.",
    )  # fmt: skip
    document = msgspec.structs.replace(document, **given)
    place = folder / ".baseload" / "trials" / f"{workload}--{HAIKU}"
    place.mkdir(parents=True)
    (place / "record.jsonl").write_bytes(data)
    (place / "trial.json").write_bytes(trial_bytes(document))
    return place


def test_without_a_trial_the_table_says_what_to_do(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capfd, "trial", "show")
    assert code == 0
    assert "No trial yet. `baseload trial plan` says what finding out would take." in out


def test_the_table_names_every_trial_and_says_proven(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    trial(tmp_path)
    code, out, err = run(capfd, "trial", "show")
    assert code == 0, err
    assert "Email triage" in out
    assert "proven" in out
    rows = json.loads(run(capfd, "trial", "show", "--json")[1])
    assert rows["schema"] == "baseload.trials/1"
    assert [(row["status"], row["record_fault"]) for row in rows["trials"]] == [("proven", "")]


def test_one_trial_is_shown_with_the_break_even_and_the_command_that_verifies_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    place = trial(tmp_path)
    code, out, err = run(capfd, "trial", "show", "Email triage")
    assert code == 0, err
    assert "Pays unless a miss costs more than $0.43" in out
    head = json.loads((place / "trial.json").read_bytes())["verdict_id"]
    assert f"baseload trial verify .baseload/trials/{place.name}/record.jsonl --head {head}" in out
    assert run(capfd, "trial", "verify", place / "record.jsonl", "--head", head)[0] == 0


def test_a_narrow_terminal_names_the_arms_and_cuts_no_figure(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    names = ("candidate", "incumbent", "incumbent_again")
    trial(tmp_path, arms=tuple(
        ArmSummary(
            arm=name, model=HAIKU, calls=465, failures=0, refusals=0, truncations=0, latency_p50_ms=1_312.0,
            latency_p95_ms=1_535.0, cost_per_call_usd=Decimal("0.0003701"), cost_per_completed_usd=Decimal("0.0003701"),
        )
        for name in names
    ))  # fmt: skip
    out = run(capfd, "trial", "show", "Email triage")[1]
    arms = out[out.index("Arms") : out.index("Calls that scored apart")]
    assert "Candidate" in arms
    assert arms.count("$0.0003701") == 6
    assert arms.count("1,312 ms") == 3
    assert "…" not in arms


def test_a_named_candidate_is_the_trial_that_counts_and_not_one_set_aside(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    place = trial(tmp_path)
    place.rename(place.with_name(f"{place.name}~1"))
    trial(tmp_path)
    shown = json.loads(run(capfd, "trial", "show", "Email triage", "--model", HAIKU, "--json")[1])
    assert (shown["schema"], shown["name"]) == ("baseload.trial.shown/1", place.name)
    listed = json.loads(run(capfd, "trial", "show", "Email triage", "--json")[1])
    assert len(listed["trials"]) == 2
    aside = json.loads(run(capfd, "trial", "show", f"{place.name}~1", "--json")[1])
    assert aside["name"] == f"{place.name}~1"


def test_a_record_or_its_folder_names_a_trial_too(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    place = trial(tmp_path)
    for named in (place, place / "record.jsonl", place / "trial.json", "wl-1", place.name):
        found = json.loads(run(capfd, "trial", "show", named, "--json")[1])
        assert (found["schema"], found["status"]) == ("baseload.trial.shown/1", "proven")


def test_the_page_is_written_once_and_no_foreign_file_is_overwritten(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    trial(tmp_path)
    page, other = tmp_path / "evidence.html", tmp_path / "notes.html"
    other.write_text("my notes")
    assert run(capfd, "trial", "show", "wl-1", "--html", page)[0] == 0
    assert run(capfd, "trial", "show", "wl-1", "--html", page)[0] == 0
    assert b"It held." in page.read_bytes()
    code, _, err = run(capfd, "trial", "show", "wl-1", "--html", other)
    assert code == 2
    assert "is no evidence page and is not overwritten" in err
    assert other.read_text() == "my notes"


def test_a_document_made_better_than_its_record_is_shown_as_invalid(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    trial(tmp_path, differences=[0.0] * 60, state="holds")
    code, out, err = run(capfd, "trial", "show")
    assert code == 1
    assert "invalid: record does not fit" in out
    assert "trial-record" in err
    found = json.loads(run(capfd, "trial", "show", "wl-1", "--json")[1])
    assert found["record_fault"] == "state is holds in trial.json and not_shown by the record"


def test_a_record_that_was_changed_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    place = trial(tmp_path)
    data = (place / "record.jsonl").read_bytes()
    (place / "record.jsonl").write_bytes(data.replace(b'"d":0.0', b'"d":1.0', 1))
    found = json.loads(run(capfd, "trial", "show", "wl-1", "--json")[1])
    assert found["status"] == "invalid"
    assert "sha256 does not fit" in found["record_fault"]


def test_a_missing_record_and_an_unreadable_document_are_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (trial(tmp_path) / "record.jsonl").unlink()
    broken = trial(tmp_path, workload="wl-2") / "trial.json"
    broken.write_text("{")
    code, out, err = run(capfd, "trial", "show")
    assert code == 1
    assert "Trials: 1" in out
    assert "trial-record" in err
    assert "trial-unreadable" in err


def test_a_workload_without_a_trial_is_refused_with_those_that_have_one(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    trial(tmp_path)
    for arguments in (("nothing",), ("--model", "claude-sonnet-5-5")):
        code, _, err = run(capfd, "trial", "show", *arguments)
        assert code == 2
        assert "Email triage" in err


def test_a_page_of_several_trials_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    trial(tmp_path)
    trial(tmp_path, workload="wl-2")
    code, _, err = run(capfd, "trial", "show", "--html", "out.html")
    assert code == 2
    assert "--html takes one trial" in err


# ---- plan and map


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Thirty days of one call a day: 50,000 in and 5,000 out on Opus 5.5."""
    folder = tmp_path / "logs"
    folder.mkdir()
    first = dt.date(2026, 10, 22)
    rows = [call(place, first + dt.timedelta(days=place)) for place in range(30)]
    (folder / "calls.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def call(number: int, day: dt.date) -> dict[str, Any]:
    model = "claude-opus-5-5"
    return {
        "timestamp": f"{day}T09:00:00Z",
        "api_key_id": "triage",
        "request": {
            "model": model, "max_tokens": 9_000, "system": SECRET,
            "messages": [{"role": "user", "content": f"Ticket {number} of a@b.example: {SECRET}"}],
        },
        "response": {
            "id": f"msg_{number:020d}", "type": "message", "role": "assistant", "model": model,
            "content": [{"type": "text", "text": "billing"}], "stop_reason": "end_turn",
            "usage": {"input_tokens": 50_000, "output_tokens": 5_000},
        },
    }  # fmt: skip


def workload_of(capfd: pytest.CaptureFixture[str], logs: Path) -> str:
    return str(json.loads(run(capfd, "rank", logs, "--json", *TODAY)[1])["workloads"][0]["id"])


def verdict(tmp_path: Path, workload: str, state: str, verdict_id: str) -> None:
    folder = tmp_path / ".baseload" / "verdicts"
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "schema": "baseload.verdict/1", "workload": workload, "model": HAIKU, "state": state, "verdict_id": verdict_id,
        "expires_day": day_of_date(dt.date(2027, 2, 20)),
    }  # fmt: skip
    (folder / f"{workload}--{HAIKU}.json").write_text(json.dumps(document))


def head_of(place: Path) -> str:
    return str(json.loads((place / "trial.json").read_bytes())["verdict_id"])


def routes(capfd: pytest.CaptureFixture[str], logs: Path) -> dict[str, dict[str, Any]]:
    found = json.loads(run(capfd, "map", logs, "--json", *TODAY)[1])
    return {row["candidate"]: row for row in found["opportunities"] if row["lever"] == "route"}


def test_the_map_says_not_tested_and_what_finding_out_costs(logs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """50,000 in and 5,000 out on Haiku 5.5 in a batch is 0.00375 USD: 50,000 x 0.05 + 5,000 x 0.25 per million."""
    row = routes(capfd, logs)[HAIKU]
    assert (row["status"], row["verdict_id"]) == ("not tested", "")
    trial = row["finding_out"]
    assert (trial["transport"], trial["bar_is_set"]) == ("batch", False)
    assert Decimal(trial["likely_usd"]) > Decimal("0.00375") * 1_000
    assert trial["command"].endswith(f"--model {HAIKU}")


@pytest.mark.parametrize(("state", "word"), [("holds", "proven"), ("not_shown", "not shown"), ("invalid", "invalid")])
def test_a_verdict_of_the_project_is_said_by_map_and_plan(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], state: str, word: str
) -> None:
    workload = workload_of(capfd, logs)
    given = {} if state == "holds" else {"differences": [0.0] * 60}
    head = head_of(trial(tmp_path, workload=workload, **given))
    verdict(tmp_path, workload, state, head)
    row = routes(capfd, logs)[HAIKU]
    assert (row["status"], row["verdict_id"]) == (word, head)
    assert (row["finding_out"] is None) == (state == "holds")
    [planned] = json.loads(run(capfd, "plan", logs, "--json", *TODAY)[1])["workloads"]
    moves = {one["candidate"]: one["status"] for one in planned["rejected"] if one["status"]}
    said = planned["status"] if planned["choice"]["model"] == HAIKU else moves[HAIKU]
    assert said == word


def test_a_broken_move_is_out_of_the_map_and_of_the_plan(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    verdict(tmp_path, workload_of(capfd, logs), "breaks", "ab" * 32)
    row = routes(capfd, logs)[HAIKU]
    assert (row["status"], row["high_usd"]) == ("broken", "0.00")
    [planned] = json.loads(run(capfd, "plan", logs, "--json", *TODAY)[1])["workloads"]
    assert planned["choice"]["model"] != HAIKU


def test_a_verdict_that_its_record_does_not_bear_out_counts_as_invalid(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The trial ended without an answer; somebody wrote "holds" into the verdict's file."""
    workload = workload_of(capfd, logs)
    place = trial(tmp_path, workload=workload, differences=[0.0] * 60)
    head = json.loads((place / "trial.json").read_bytes())["verdict_id"]
    verdict(tmp_path, workload, "holds", head)
    code, out, _ = run(capfd, "map", logs, "--json", *TODAY)
    found = json.loads(out)
    rows = {row["candidate"]: row for row in found["opportunities"] if row["lever"] == "route"}
    assert code == 1
    assert rows[HAIKU]["status"] == "invalid"
    assert "verdict-record" in {part["code"] for part in found["problem_counts"]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"expires_day": None}, "expiry None in its verdict"),
        ({"output_ratio_low": "0.1", "output_ratio_high": "0.2"}, "output ratio 0.1 in its verdict"),
        ({"grade": "simulated"}, "grade simulated in its verdict"),
        ({"verdict_id": "ab" * 32}, "id abababababab in its verdict"),
    ],
)
def test_a_verdict_edited_in_any_field_counts_as_invalid(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], change: dict[str, Any], said: str
) -> None:
    workload = workload_of(capfd, logs)
    place = trial(tmp_path, workload=workload)
    verdict(tmp_path, workload, "holds", json.loads((place / "trial.json").read_bytes())["verdict_id"])
    path = tmp_path / ".baseload" / "verdicts" / f"{workload}--{HAIKU}.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | change))
    found = json.loads(run(capfd, "map", logs, "--json", *TODAY)[1])
    rows = {row["candidate"]: row for row in found["opportunities"] if row["lever"] == "route"}
    assert rows[HAIKU]["status"] == "invalid"
    assert [one["value"][: len(said)] for one in found["problems"] if one["code"] == "verdict-record"] == [said]


def test_a_verdict_without_its_record_proves_nothing_and_says_so(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Somebody wrote the file by hand, or its trial lies elsewhere: here nobody can work it out again."""
    workload = workload_of(capfd, logs)
    head = head_of(trial(tmp_path / "elsewhere", workload=workload))
    verdict(tmp_path, workload, "holds", head)
    row = routes(capfd, logs)[HAIKU]
    assert (row["status"], row["high_usd"] != "0.00", row["finding_out"] is None) == ("not verified here", True, False)
    code, out, _ = run(capfd, "plan", logs, "--json", *TODAY)
    plan = json.loads(out)
    assert code == 1
    [problem] = [one for one in plan["problems"] if one["code"] == "verdict-unverified"]
    assert f"trial verify RECORD --head {head}" in problem["next_step"]
    moved = {one["name"]: one["choice"]["model"] for one in plan["workloads"][0]["scenarios"]}
    assert HAIKU not in (moved["deployable"], moved["conservative"])

    place = tmp_path / ".baseload" / "trials"
    place.mkdir()
    (tmp_path / "elsewhere" / ".baseload" / "trials" / f"{workload}--{HAIKU}").rename(place / f"{workload}--{HAIKU}")
    assert routes(capfd, logs)[HAIKU]["status"] == "proven"


def test_a_failed_verdict_without_its_record_still_rules_its_move_out(tmp_path: Path) -> None:
    place = trial(tmp_path / "elsewhere")
    assert held(tmp_path, place, state="breaks", verdict_id="ab" * 32).state == "breaks"
    at_length = {"output_ratio_low": Decimal("0.1"), "output_ratio_high": Decimal("0.2")}
    found = held(tmp_path, place, **at_length)
    assert (found.state, found.grade, found.output_ratio_low) == ("assumed", "unverified", None)


def held(folder: Path, trial_of: Path, **given: Any) -> Verdict:
    """What counts of the verdict that says what the trial of that folder said, but for what is given."""
    said = json.loads((trial_of / "trial.json").read_bytes())
    fields = {
        "workload": said["workload"], "model": HAIKU, "effort": "", "state": said["state"], "grade": said["grade"],
        "verdict_id": said["verdict_id"], "expires_day": day_of_date(dt.date.fromisoformat(said["expires_day"])),
    }  # fmt: skip
    verdicts = {(said["workload"], HAIKU, ""): Verdict(**(fields | given))}
    found, _ = held_to_records(folder, verdicts, day_of_date(dt.date(2026, 11, 22)))
    return found[(said["workload"], HAIKU, "")]


def test_a_verdict_as_good_as_a_document_that_its_record_does_not_bear_out_counts_as_invalid(tmp_path: Path) -> None:
    place = trial(tmp_path)
    assert held(tmp_path, place).state == "holds"
    shown = json.loads((place / "trial.json").read_bytes())
    shown["decision"]["n_used"] += 1  # both files agree on everything a verdict says; the record alone does not
    (place / "trial.json").write_text(json.dumps(shown))
    assert held(tmp_path, place).state == "invalid"


def test_what_lies_clearly_below_its_bar_is_taken_from_the_trial_and_not_from_the_file(tmp_path: Path) -> None:
    place = trial(tmp_path, differences=[-1.0] * 50)  # hopeless at the first look
    assert held(tmp_path, place).state == "not_shown"
    assert held(tmp_path, place, clearly_below=False).clearly_below


def test_what_broke_against_a_stand_in_is_out_of_the_demos_plan_and_of_nobody_elses(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    workload = workload_of(capfd, logs)
    verdict(tmp_path, workload, "breaks", "ab" * 32)
    path = tmp_path / ".baseload" / "verdicts" / f"{workload}--{HAIKU}.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"grade": "simulated"}))
    assert Decimal(routes(capfd, logs)[HAIKU]["high_usd"]) > 0
    (tmp_path / "planted.json").write_text("{}")  # the demo's company: its trials are all of a stand-in
    assert routes(capfd, logs)[HAIKU]["high_usd"] == "0.00"


def test_trials_set_aside_unfinished_and_those_without_a_sound_record_weigh_on_the_others(tmp_path: Path) -> None:
    first, second = trial(tmp_path, workload="wl-1"), trial(tmp_path, workload="wl-2")
    (tmp_path / ".baseload" / "trials" / f"wl-1--{HAIKU}~1").mkdir()
    [found], _ = stand_together(tmp_path, read_trials(tmp_path)[0])
    assert (found.trials, found.holds) == (3, (first.name, second.name))
    shown = json.loads((second / "trial.json").read_bytes())
    shown["decision"]["n_used"] += 1  # its record does not bear that out: no evidence, and still a trial
    (second / "trial.json").write_text(json.dumps(shown))
    [found], _ = stand_together(tmp_path, read_trials(tmp_path)[0])
    assert (found.trials, found.holds) == (3, (first.name,))


def test_a_verdict_moved_to_another_model_counts_as_invalid(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    workload = workload_of(capfd, logs)
    place = trial(tmp_path, workload=workload)
    verdict(tmp_path, workload, "holds", json.loads((place / "trial.json").read_bytes())["verdict_id"])
    path = tmp_path / ".baseload" / "verdicts" / f"{workload}--{HAIKU}.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"model": "claude-sonnet-5-5"}))
    assert routes(capfd, logs)["claude-sonnet-5-5"]["status"] == "invalid"


def test_a_verdict_decided_after_the_day_of_the_map_does_not_count_yet(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A clock that ran ahead, or a map of an earlier day."""
    workload = workload_of(capfd, logs)
    place = trial(tmp_path, workload=workload, decided_day="2026-11-23")
    verdict(tmp_path, workload, "holds", json.loads((place / "trial.json").read_bytes())["verdict_id"])
    assert routes(capfd, logs)[HAIKU]["status"] == "invalid"


def test_what_held_against_a_stand_in_is_said_to_be_simulated(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    workload = workload_of(capfd, logs)
    verdict(tmp_path, workload, "holds", head_of(trial(tmp_path, workload=workload, grade="simulated")))
    path = tmp_path / ".baseload" / "verdicts" / f"{workload}--{HAIKU}.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"grade": "simulated"}))
    row = routes(capfd, logs)[HAIKU]
    assert (row["status"], row["finding_out"] is None) == ("simulated", False)
    found = json.loads(run(capfd, "plan", logs, "--json", *TODAY)[1])
    moved = {one["name"]: one["choice"]["model"] for one in found["workloads"][0]["scenarios"]}
    assert HAIKU not in (moved["deployable"], moved["conservative"])


def test_several_trials_say_which_stand_together(logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Two that hold at a wealth just over 20 stand at 5 %; a third without an answer lifts what both need to 30."""
    for name in ("wl-1", "wl-2"):
        trial(tmp_path, workload=name)
    [both] = json.loads(run(capfd, "trial", "show", "--json")[1])["together"]
    assert (both["trials"], len(both["holds"]), len(both["stand"])) == (2, 2, 2)
    trial(tmp_path, workload="wl-3", differences=[0.0] * 60)
    [three] = json.loads(run(capfd, "trial", "show", "--json")[1])["together"]
    assert (three["trials"], len(three["holds"]), three["stand"]) == (3, 2, [])
    assert (
        "Of 3 trials 2 hold alone; at a false discovery rate of 5 % none stand together"
        in run(capfd, "trial", "show")[1]
    )
    plan = json.loads(run(capfd, "plan", logs, "--json", *TODAY)[1])
    assert plan["together"][0]["sentence"].startswith("Of 3 trials 2 hold alone")


def test_plan_writes_an_evidence_page_for_every_trial_and_links_to_it(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    workload = workload_of(capfd, logs)
    place = trial(tmp_path, workload=workload)
    head = json.loads((place / "trial.json").read_bytes())["verdict_id"]
    verdict(tmp_path, workload, "holds", head)
    code, out, err = run(capfd, "plan", logs, "-o", "plan", *TODAY)
    assert code == 0, err
    assert "proven" in out
    page = tmp_path / "plan" / "evidence" / f"{place.name}.html"
    assert b"It held." in page.read_bytes()
    assert f'href="evidence/{place.name}.html"' in (tmp_path / "plan" / "plan.html").read_text()

    for path in (place / "trial.json", tmp_path / ".baseload" / "verdicts" / f"{workload}--{HAIKU}.json"):
        path.unlink()
    assert run(capfd, "plan", logs, "-o", "plan", *TODAY)[0] == 0
    assert not page.exists()


def test_texts_are_shown_only_when_asked_for_and_redacted(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(capfd, "import", logs)[0] == 0
    workload = workload_of(capfd, logs)
    first = trial_inputs(None, workload, HAIKU, as_of=dt.date(2026, 11, 22)).calls[0].call_id
    apart = Discordant(call_id=first, stratum="short", d=-1.0, how="graded", reason="wrong")
    place = trial(tmp_path, workload=workload, discordant=(apart,))
    said = msgspec.json.encode({"content": [{"type": "text", "text": "refund to a@b.example"}]})
    result = Result(n=1, item=f"candidate/{first}", outcome="succeeded", usd=Decimal(0), body=said)
    (place / "journal.jsonl").write_bytes(msgspec.json.encode(result) + b"\n{torn")
    quiet = run(capfd, "trial", "show", workload)[1]
    code, out, err = run(capfd, "trial", "show", workload, "--show-text")
    assert SECRET not in quiet
    assert code == 0, err
    assert f"of <EMAIL_1>: {SECRET}" in out
    assert "a@b.example" not in out
    assert "claude-opus-5-5: billing" in out
    assert f"{HAIKU}: refund to <EMAIL_1>" in out
