"""What people checked by hand: the true answers of the gradeable workloads, by the provider's message id."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from baseload.demo.answers.bars import SCHEMAS, bar_of
from baseload.demo.answers.cases import truth_of
from baseload.demo.company import Service
from baseload.demo.prompts import SCRIPTS
from baseload.demo.writers.files import Output
from baseload.demo.writers.messages import Truthful


def write_truths(output: Output, service: Service, calls: Iterable[Truthful]) -> None:
    """The file of truths that the workload's bar names, and the schema its answers keep to; nothing without a bar."""
    bar = bar_of(service)
    if bar is None:
        return
    rows = ({"call": call.message_id, "truth": truth_of(service.name, call.number)} for call in calls)
    output.write_lines(bar.truths, map(msgspec.json.encode, rows))
    wanted = SCRIPTS[service.name].request.get("output_config")
    if wanted is not None:
        schema = msgspec.json.encode(wanted["format"]["schema"])
        output.write(f"{SCHEMAS}/{service.name}.json", msgspec.json.format(schema, indent=2) + b"\n")
