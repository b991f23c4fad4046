"""Names and list dollars of the workloads in a document of `baseload rank --json`; money stays exact."""

import json
import sys
from pathlib import Path

document = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
for _workload in document["workloads"]:
    pass
