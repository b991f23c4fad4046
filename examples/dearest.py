"""Names and list dollars of the workloads in a document of `baseload rank --json`; money stays exact."""

import json
import sys
from decimal import Decimal
from pathlib import Path

document = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
for workload in document["workloads"]:
    print(workload["name"], Decimal(workload["list_usd"]))
