"""What each service sends and gets back, in words: short invented texts that read like the work they stand for.

Texts are abridged evenly (see `scripts.py`); `{…}` slots are filled from `scripts.SLOTS`.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """The words of one service."""

    system: str
    rules: tuple[str, ...] = ()  # repeated with numbers until the system text has `static_chars`
    static_chars: int = 0
    chars_per_token: float = 0.0  # 0 = as the length of the fixed prompt has it
    tools: tuple[dict[str, Any], ...] = ()
    opening: str = ""  # first words of the user's text; {id} is the record's own number
    sentences: tuple[str, ...]  # what the variable part is made of
    replies: tuple[str, ...]
    request: dict[str, Any] = {}  # further request fields
    prefill: str = ""


def _tool(name: str, description: str, **properties: str) -> dict[str, Any]:
    schema = {key: {"type": kind} for key, kind in properties.items()}
    return {
        "name": name,
        "description": description,
        "input_schema": {"type": "object", "properties": schema, "required": list(properties)},
    }


def _json_schema(**properties: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in properties.items()},
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


_COMPLAINTS = (
    "The order of {product} from {date} arrived with {number} pieces missing.",
    "I was charged {amount} twice and would like the second payment back.",
    "Our account manager in {city} left and nobody answers the phone.",
    "Please change the delivery address to {city} before {date}.",
    "The invoice for {company} shows the wrong VAT number.",
    "I cannot log in since the password reset this morning.",
    "When will {product} be back in stock?",
    "Kind regards, {name}, {company}",
)
_CONTRACT = (
    "{clause} The Supplier shall deliver {product} to the premises in {city} within {number} days of each order.",
    "{clause} The price of {product} is fixed at {amount} until {date} and may then rise by no more than the index.",
    "{clause} Orders of {product} are binding on {company} once confirmed in writing from {city}.",
    "{clause} {company} shall hold {company2} harmless against claims arising from defects in {product}.",
    "{clause} {name} is the contact for {product}; {company} may name another person at any time.",
    "{clause} The Agreement is governed by the law of the seat of {company}, and {city} is the place of jurisdiction.",
    "{clause} Confidential information must be returned within {number} days of termination.",
    "{clause} {product} must be unpacked and checked within {number} days of their arrival in {city}.",
)
_SALES = (
    "{company} ordered {product} worth {amount}, up from the quarter before.",
    "Open quotation of {amount} for {product}, valid until {date}.",
    "{name} asked for a sample of {product} to be sent to {city}.",
    "Payment of {amount} is {number} days overdue.",
    "Last visit on {date}: talked about framework prices for {product}.",
    "Complaint about {product} closed with a credit note of {amount}.",
)
_TALK = (
    "{name}: we need {product} in {city} before {date}, otherwise the site stops.",
    "{name}: the budget is {amount}, and that has to include delivery.",
    "{name}: I will send the drawings by {date}.",
    "{name}: can you match the offer from {company}?",
    "{name}: let us take that offline and come back with numbers.",
    "{name}: the trial with {number} users went better than we thought.",
)

SCRIPTS: dict[str, Script] = {
    "support-triage": Script(
        system=(
            "You are the triage desk of Larkfield, a marketplace for business supplies. Classify each customer message "
            "into exactly one category and one priority, and name the queue it is routed to.\n"
            "Categories: delivery, billing, returns, account, product question, complaint, fraud, other.\n"
            "Priorities: p1 (work has stopped), p2 (money is wrong), p3 (a question), p4 (thanks and small talk).\n"
            'Answer with one JSON object: {"category": …, "priority": …, "queue": …}. No other text.'
        ),
        rules=(
            "Rule {n}: a message that mentions {product} and a date is delivery, unless money is asked back.",
            "Rule {n}: when {company} writes, the queue is key-accounts whatever the category.",
            "Rule {n}: an amount above {amount} makes the priority p2 at least.",
            "Rule {n}: if two categories fit, choose the one that was named first.",
        ),
        static_chars=2180,
        opening="Message {id} by e-mail:\n",
        sentences=_COMPLAINTS,
        replies=(
            '{"category": "delivery", "priority": "p3", "queue": "logistics"}',
            '{"category": "billing", "priority": "p2", "queue": "accounts-receivable"}',
            '{"category": "account", "priority": "p3", "queue": "self-service"}',
            '{"category": "returns", "priority": "p3", "queue": "returns"}',
        ),
    ),
    "contract-extraction": Script(
        system=(
            "Extract the terms of a supply contract as JSON: parties, governing_law, start_date, end_date, "
            "notice_days, price_adjustment, liability_cap, penalties. Quote the clause number for every field. "
            "Use null where the contract is silent; never infer a term that is not written."
        ),
        opening="Contract {id}\n\n",
        sentences=_CONTRACT,
        replies=(
            '{"parties": ["{company}"], "notice_days": {number}, "liability_cap": "{amount}", "end_date": "{date}"}',
            '{"parties": ["{company2}"], "notice_days": null, "liability_cap": null, "end_date": "{date}"}',
        ),
        request=_json_schema(
            parties="array", notice_days="integer", liability_cap="string", end_date="string", penalties="string"
        ),
    ),
    "help-center-answers": Script(
        system=(
            "You answer questions of business customers from Larkfield's handbook and the passages below the "
            "question. Answer only from them and cite the passage; if they do not say, answer that you do not know and "
            "offer the contact form. Be friendly and short.\n\nHANDBOOK"
        ),
        rules=(
            "{n} Returns of {product}: within {number} days, unused, with the delivery note; larger items are fetched.",
            "{n} Delivery to {city}: the next working day for orders before noon, freight above {amount} is free.",
            "{n} Framework customers such as {company} pay within {number} days and see their prices after login.",
            "{n} Warranty claims go to the maker of {product}; Larkfield forwards them free of charge.",
        ),
        static_chars=2240,
        opening="Question {id}. ",
        sentences=(
            "[{number}] {product} can be returned until {date} at the depot in {city}.",
            "[{number}] Orders above {amount} are delivered free of charge.",
            "[{number}] {company} is a framework customer; its prices are shown after login.",
            "[{number}] The warranty on {product} ends on {date}.",
        ),
        replies=(
            "You can send {product} back within {number} days, unused, with the delivery note [{number}].",
            "Orders above {amount} are delivered to {city} free of charge [{number}].",
            "I could not find this in the handbook. Would you like the contact form?",
        ),
    ),
    "build-repair-agent": Script(
        system=(
            "You are an autonomous agent that repairs failing builds. Read the log, find the cause in the repository, "
            "make the smallest change that mends it, run the tests, and open a pull request. Never disable a test. "
            "Stop and report after {number} failed attempts."
        ),
        rules=(
            "{n}. Modules under services/{word} are owned by the team in {city}; ask before changing their interfaces.",
            "{n}. A flaky test is one that passes on the second run; mark it in the report and move on.",
            "{n}. Dependencies are pinned; a change of a pin needs a line in the change log.",
        ),
        static_chars=620,
        tools=(
            _tool("run_command", "Run a shell command in the checkout and return its output.", command="string"),
            _tool("read_file", "Return a file of the repository.", path="string"),
            _tool("edit_file", "Replace a passage of a file.", path="string", old="string", new="string"),
            _tool("open_pull_request", "Push the branch and open a pull request.", title="string", body="string"),
        ),
        opening="Build {id} failed on main. Log:\n",
        sentences=(
            "services/{word}/test_{word}.py::test_{word} FAILED: expected {number}, got {number}",
            "warning: {word} is deprecated, use {word}_v2",
            "{number} passed, 1 failed in {number}s",
            "File services/{word}/handler.py, line {number}, in {word}: KeyError",
        ),
        replies=(
            "The failure is in services/{word}: the fixture still uses the old field. I will read the handler.",
            "The test expects {number}; the change of {date} altered the rounding. I will mend the handler.",
            "Tests pass now. I will check the neighbours before opening the pull request.",
        ),
    ),
    "nightly-account-reports": Script(
        system=(
            "Summarise the activity of one customer account for its account manager: a headline, three bullet points "
            "on orders, open quotations and payments, and one suggested next step. Plain English, at most 150 words. "
            "Report figures exactly as given."
        ),
        opening="Account {id}, activity since the last report:\n",
        sentences=_SALES,
        replies=(
            "{company}: steady orders.\n- Quotation open until {date}.\n- {amount} is overdue.\nNext: call {name}.",
            "{company}: fewer orders.\n- {product} for {amount}.\n- No open quotation.\nNext: visit {city}.",
        ),
    ),
    "sql-assistant": Script(
        system=(
            "Write one PostgreSQL query that answers the analyst's question. Use only the tables and columns of the "
            "schema below. Return the SQL in a code block and one sentence on how it treats missing values.\n\n"
            "-- schema of warehouse {prefix}"
        ),
        rules=(
            "CREATE TABLE {word}_{n} (id bigint, {word2} numeric, booked_on date, depot_id int, note text);",
            "CREATE VIEW {word2}_{n} AS SELECT {word}, sum({word2}) FROM {word}_{n} GROUP BY 1;",
        ),
        static_chars=2200,
        sentences=(
            "How many {word} by depot since {date}?",
            "Orders of {product} per week in {city}?",
            "Which {word} are above {amount}?",
            "Top {number} customers by {word2} in {city}?",
        ),
        replies=(
            "```sql\nSELECT depot_id, sum({word}) FROM {word2}_{number} WHERE booked_on >= '{date}' GROUP BY 1;\n```",
        ),
    ),
    "address-enrichment": Script(
        system=(
            "Normalise a delivery address: convert it to street, house_number, postcode, city, country_code. Fix "
            "obvious typing errors, keep company names, and set uncertain to true where you guessed. Return JSON."
        ),
        opening="Record {id}: ",
        sentences=(
            "{company}, {name}, {word} street {number}, {city}; deliver by {date}.",
            "Gate {number}, ring {name}.",
        ),
        replies=(
            '{"street": "{word} street", "house_number": "{number}", "city": "{city}", "uncertain": false}',
            '{"street": "{word} lane", "house_number": "{number}", "city": "{city}", "uncertain": true}',
        ),
    ),
    "thread-moderation": Script(
        system="Moderation: classify the last post as allowed, off_topic, advertising, insult or dangerous.",
        chars_per_token=0.04,  # its longest threads would fill the folder
        opening="Thread {id}\n",
        sentences=(
            "{name}: has anybody used {product} outdoors for more than {number} months?",
            "{name}: we had them in {city}, no complaints so far.",
            "{name}: cheaper at {company}, by the way.",
            "{name}: the moderator should look at the post of {date}.",
        ),
        replies=("allowed", "allowed", "allowed", "off_topic", "advertising"),
    ),
    "invoice-matching": Script(
        system=(
            "Extract the lines of a supplier invoice and match each to the purchase order given below it. Return a "
            "JSON list of {line, order_line, quantity_ok, price_ok}. Unmatched lines get order_line null."
        ),
        opening="Invoice {id}\n",
        sentences=("{number} x {product} at {amount}.", "PO line {number}: {product}, {amount}, due {date}."),
        replies=('"lines": [{"line": 1, "order_line": {number}, "quantity_ok": true, "price_ok": true}]}',),
        request={"temperature": 0},
        prefill="{",
    ),
    "supplier-onboarding": Script(
        system=(
            "You help buyers to check a new supplier. Answer the buyer's question about the supplier from the "
            "documents given, search the web where they are out of date, and list what is still missing from the file."
        ),
        tools=({"type": "web_search_20250305", "name": "web_search", "max_uses": 3},),
        opening="Supplier file {id}. ",
        sentences=(
            "{company} was founded in {city} and makes {product}.",
            "Certificate of insurance over {amount}, valid until {date}.",
            "Bank reference received on {date}; {number} references outstanding.",
        ),
        replies=(
            "{company} is insured over {amount} until {date}. Still missing: {number} references.",
            "The certificate of {company} ends on {date}; ask {name} for the new one.",
        ),
    ),
    "shop-assistant": Script(
        system=(
            "You are Lark, the friendly chat assistant of the Larkfield shop. Have a short conversation, ask one "
            "question at a time, suggest at most three products, and hand over to a person when somebody is upset."
        ),
        rules=(
            "{n}. {product}: from {amount}, in stock in {city}; goes with {product2}.",
            "{n}. {product}: out of stock until {date}; suggest {product2} instead.",
        ),
        static_chars=2150,
        tools=(_tool("look_up_stock", "Stock and price of a product.", product="string"),),
        opening="Hello, ",
        sentences=(
            "we are looking for {product} for {number} desks.",
            "does it come in grey?",
            "our budget is {amount}.",
            "can it be in {city} by {date}?",
        ),
        replies=(
            "Happy to help! For {number} desks I would look at {product} from {amount}. Which size do you need?",
            "Yes, {product} can be in {city} by {date}. Shall I put it in your basket?",
        ),
    ),
    "catalog-labels": Script(
        system=(
            "Label a catalogue item with one of the {number} categories of the shop tree and up to five attributes. "
            "Return the category path and the attributes as JSON."
        ),
        opening="Item {id}: ",
        sentences=("{product}, made by {company}.", "Colour grey, {number} pieces a box.", "Listed at {amount}."),
        replies=('{"category": "office/{word}", "attributes": ["grey", "{number} pieces"]}',),
    ),
    "product-copy": Script(
        system=(
            "Rewrite the supplier's product text in Papertrail's voice: warm, plain, no superlatives, British "
            "spelling, two short paragraphs. Keep every figure and every safety notice."
        ),
        opening="Product {id}. Supplier's text: ",
        sentences=(
            "The ultimate {product} for professionals, now with {number} functions.",
            "Unbeatable at {amount}!!!",
            "Made by {company} in {city}.",
        ),
        replies=("Good {product} earn their place on the desk. These are made in {city} and do {number} things well.",),
    ),
    "sales-email-drafts": Script(
        system=(
            "Draft a short e-mail from a Papertrail salesperson to a customer, from the notes given. Greet by name, "
            "one reason to reply, no pressure, and sign with the salesperson's name."
        ),
        opening="Notes {id}: ",
        sentences=_SALES,
        replies=(
            "Dear {name},\n\nyou asked about {product}. It is back in stock, at {amount} until {date}.\n\nBest wishes",
        ),
    ),
    "meeting-notes": Script(
        system=(
            "Summarise the transcript of a sales call into decisions, open questions and action items with owner and "
            "date. Do not add anything that was not said."
        ),
        opening="Transcript {id}\n",
        sentences=_TALK,
        replies=("Decisions: {product} for {city}.\nOpen: the price.\nActions: {name} sends drawings by {date}.",),
    ),
    "claims-summary": Script(
        system=(
            "Summarise an insurance claim for the adjuster: what happened, when, amounts claimed, documents present, "
            "documents missing, and anything that contradicts the policy. Neutral tone, at most 200 words."
        ),
        opening="Claim {id}\n",
        sentences=(
            "On {date} water entered the storeroom of {company} in {city}.",
            "Claimed: {product}, {number} pieces, {amount}.",
            "{name} states that the door had been locked since {date}.",
            "Photographs {number} to {number} attached; police report outstanding.",
        ),
        replies=("Water damage at {company}, {city}, on {date}. Claimed {amount}. Missing: police report.",),
    ),
    "claude-code": Script(
        system="",
        chars_per_token=0.08,  # its fixed prompt is in no transcript
        sentences=(
            "def {word}(order, depot): return order.{word2} * {number}",
            "services/{word}/models.py:{number}: class {word2}:",
            "{number} tests passed in services/{word}",
            "commit of {date}: round {word2} half to even",
        ),
        replies=(
            "I'll look at services/{word} first.",
            "The {word} handler rounds before it adds up. I'll change the order and run the tests.",
            "Tests pass. I also updated the docstring of {word2}.",
        ),
    ),
}
