"""The records of the gradeable workloads: a text that holds its true answer, and ways to get that answer wrong.

A record is known by its number alone, which stands in the first words of its text: whoever reads the text, or the
number, knows the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from baseload.demo.answers.chance import Chance
from baseload.demo.scripts import SLOTS

_ENCODER: Final = msgspec.json.Encoder()


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One record: sentences that state the truth, and the truth by parts."""

    sentences: tuple[str, ...]
    ordered: bool  # the sentences come first, in this order; else they stand among the others
    truth: Mapping[str, Any]


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One workload's records. `spoiled` makes one part wrong; `said` is the answer that parts make."""

    make: Callable[[Chance], Case]
    spoiled: Callable[[str, Any, Chance], Any]
    said: Callable[[Mapping[str, Any]], Any]
    truth: Callable[[Any], Any] | None = None  # of the right answer, as its grader takes it; None = the answer itself


QUEUES: Final[Mapping[str, str]] = {
    "delivery": "logistics",
    "billing": "accounts-receivable",
    "returns": "returns",
    "account": "self-service",
    "product question": "sales",
    "complaint": "key-accounts",
    "fraud": "security",
    "other": "front-desk",
}
"""Category -> where it is routed; the categories are those of the instructions."""
_PRIORITY: Final[Mapping[str, str]] = {"delivery": "p1", "billing": "p2", "fraud": "p2", "other": "p4"}
_MESSAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "delivery": (
        "The order of {product} for {city} from {date} arrived with {number} pieces missing, says {name}.",
        "Please change the delivery address of our {product} worth {amount} to {company} in {city} before {date}.",
    ),
    "billing": (
        "{company} was charged {amount} twice on {date} for {product} and would like the second payment back.",
        "The invoice for {company} in {city} over {amount} shows the wrong VAT number, {name} found.",
    ),
    "returns": (
        "We at {company} would like to send {number} {product} back to {city}, they do not fit, says {name}.",
        "How do we return the {product} worth {amount} that {name} took in on {date}?",
    ),
    "account": (
        "{name} cannot log in to the account of {company} in {city} since the password reset on {date}.",
        "{name} has left {company} on {date}; please give the account to the branch in {city}.",
    ),
    "product question": (
        "When will {product} under {amount} be back in stock in {city} for {company}?",
        "Do your {product} come in grey, in lots of {number} and under {amount}, asks {name} of {company}?",
    ),
    "complaint": (
        "Our account manager in {city} left on {date} and nobody has answered {name} for {number} days.",
        "This is the third time {product} for {company} in {city} came too late, and {name} is not amused.",
    ),
    "fraud": (
        "Somebody ordered {product} for {amount} on {date} in our name; it was not {name} of {company}.",
        "A letter asks {company} to pay {amount} for {product} to a new bank account in {city}. Is it yours?",
    ),
    "other": (
        "Thank you for the quick help with {product} on {date}, {name} of {company} was delighted.",
        "{name} and all of {company} wish you a happy holiday on {date} from {city}.",
    ),
}


def _filled(text: str, chance: Chance) -> str:
    values = {slot: chance.one_of(options) for slot, options in SLOTS.items()}
    return text.format(**values, number=chance.whole(2, 90), amount=_amount(chance), date=_date(chance))


def _amount(chance: Chance) -> str:
    return f"EUR {chance.whole(20, 9000):,}.{chance.whole(0, 100):02d}"


def _date(chance: Chance) -> str:
    return f"2026-{chance.whole(1, 13):02d}-{chance.whole(1, 28):02d}"


def _message(chance: Chance) -> Case:
    """A support message; what it says first decides its category, as the instructions have it."""
    category = chance.one_of(tuple(QUEUES))
    lead = _filled(chance.one_of(_MESSAGES[category]), chance)
    return Case(sentences=(lead,), ordered=True, truth={"category": category})


def _triaged(parts: Mapping[str, Any]) -> dict[str, Any]:
    category = str(parts["category"])
    return {"category": category, "priority": _PRIORITY.get(category, "p3"), "queue": QUEUES[category]}


def _other_category(part: str, value: str, chance: Chance) -> str:
    del part
    return chance.other_than(value, tuple(QUEUES))


def _contract(chance: Chance) -> Case:
    """A supply contract that states each of its terms once."""
    first = chance.one_of(SLOTS["company"])
    second = chance.other_than(first, SLOTS["company"])
    truth = {
        "party_1": first,
        "party_2": second,
        "notice_days": chance.whole(2, 18) * 10,
        "liability_cap": _amount(chance),
        "end_date": _date(chance).replace("2026", "2028"),
        "penalties": f"{_amount(chance)} for each day begun",
    }
    sentences = (
        f"This Agreement is made between {first} and {second}.",
        f"Either party may terminate this Agreement on {truth['notice_days']} days' written notice to the other.",
        f"Liability under this Agreement is limited to {truth['liability_cap']} in any contract year.",
        f"This Agreement ends on {truth['end_date']} unless both parties renew it in writing.",
        f"Late deliveries carry a penalty of {truth['penalties']}.",
    )
    numbered = tuple(f"{chance.whole(1, 24)}.{chance.whole(1, 9)} {text}" for text in sentences)
    return Case(sentences=numbered, ordered=False, truth=truth)


def _terms(parts: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in parts.items() if not name.startswith("party_")}
    return {"parties": [parts["party_1"], parts["party_2"]], **rest}


def _other_term(part: str, value: Any, chance: Chance) -> Any:
    """What a hasty reader takes for the term."""
    if part.startswith("party_"):
        return f"{value} Holding"
    if part == "notice_days":
        return value + 10 * chance.whole(1, 4)
    if part == "end_date":
        return value.replace("2028", "2027")
    return value.replace("EUR", "USD")


_PLACES: Final[Mapping[str, tuple[str, str]]] = {
    "Leeds": ("LS1", "GB"),
    "Rotterdam": ("3011", "NL"),
    "Lyon": ("69001", "FR"),
    "Graz": ("8010", "AT"),
    "Porto": ("4000", "PT"),
    "Malmo": ("21119", "SE"),
    "Bologna": ("40121", "IT"),
    "Ghent": ("9000", "BE"),
    "Bremen": ("28195", "DE"),
    "Cork": ("T12", "IE"),
    "Turku": ("20100", "FI"),
}


def _delivery(chance: Chance) -> Case:
    """An address in the order people write it, with the words they put around it."""
    values = {slot: chance.one_of(options) for slot, options in SLOTS.items()}
    house, city = str(chance.whole(2, 90)), values["city"]
    postcode, country = _PLACES[city]
    street = f"{values['word'].capitalize()} Street"
    lead = f"{values['company']}, {values['name']}, {street.upper()} {house}, {postcode} {city}; by {_date(chance)}."
    address = {"street": street, "house_number": house, "postcode": postcode, "city": city, "country_code": country}
    return Case(sentences=(lead,), ordered=True, truth={"address": {**address, "uncertain": False}})


def _whole(parts: Mapping[str, Any]) -> dict[str, Any]:
    return dict(parts["address"])


def _other_address(part: str, value: Any, chance: Chance) -> dict[str, Any]:
    del part
    return {**value, "house_number": str(int(value["house_number"]) + chance.whole(1, 9))}


def _category(said: Any) -> str:
    return str(said["category"])


def json_text(said: Any) -> str:
    """An answer as its text."""
    return _ENCODER.encode(said).decode()


KINDS: Final[Mapping[str, Kind]] = {
    "support-triage": Kind(make=_message, spoiled=_other_category, said=_triaged, truth=_category),
    "contract-extraction": Kind(make=_contract, spoiled=_other_term, said=_terms),
    "address-enrichment": Kind(make=_delivery, spoiled=_other_address, said=_whole, truth=json_text),
}


def case_of(service: str, number: int) -> Case:
    """The record of a number. KeyError for a service that nobody can grade."""
    return KINDS[service].make(Chance("case", service, number))


def text_of(service: str, number: int, fillers: Sequence[str], chars: int) -> str:
    """The record's text: what states its truth, and other sentences up to `chars`; the last is cut there."""
    case = case_of(service, number)
    chance = Chance("text", service, number)
    others: list[str] = []
    room = chars - sum(len(sentence) + 1 for sentence in case.sentences)
    while room > 0:
        others.append(chance.one_of(fillers)[:room])
        room -= len(others[-1]) + 1
    if case.ordered or not others:
        return " ".join((*case.sentences, *others)).strip()
    return " ".join((*chance.shuffled((*case.sentences, *others[:-1])), others[-1])).strip()


def truth_of(service: str, number: int) -> Any:
    """What a grader holds an answer against: a label, a record, or the text of the right JSON."""
    case, kind = case_of(service, number), KINDS[service]
    said = kind.said(case.truth)
    return kind.truth(said) if kind.truth else said
