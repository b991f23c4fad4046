"""What can go wrong, drawn once.

    BaseloadError
    ├── UsageError            the command line or a setting is wrong            exit 2
    │   ├── ProjectError      baseload.toml does not say what it must
    │   ├── PolicyError       policy.yaml does not (plan.policy)
    │   ├── DemandError       a demand file does not (demand.history)
    │   ├── CommitError       a contract does not hold together (commit.refusal)
    │   ├── GatewayConfigError  a setting of the gateway is wrong (gateway.config)
    │   ├── VaultKeyError     no key, a wrong one, or one others may read (vault.faults)
    │   └── BadFile           a file that must be read whole cannot be: caught, one Problem (usage.source_file)
    ├── IllegalMarks          cache marks the API would refuse (levers.cache)   exit 2
    ├── NothingToRead         no record could be computed from the input       exit 3
    ├── Tampered              an evidence record was changed (quality.record)  exit 3
    ├── ReplayError           a replay cannot go on (quality.replay.journal)     exit 3
    │   ├── JournalBroken     its journal was changed or torn
    │   └── JournalLocked     another replay holds it
    ├── VaultError            the vault cannot be used (vault.faults)            exit 3
    │   └── VaultTampered     a record was changed
    ├── PriceBookError        a price file contradicts itself or the schema    exit 2
    ├── LedgerError           the ledger directory cannot be used
    │   ├── LedgerLocked      another writer holds it
    │   └── LedgerVersion     written by a newer Baseload
    ├── LogFull               the gateway's call log has no room (gateway.calllog.segment)
    ├── ChildFault            a grader's child process failed (gateway.watching.child)
    ├── StateError            the gateway's state cannot be used (gateway.state.faults)
    │   ├── StateDown         nobody answers there
    │   └── StateTooNew       written by a newer Baseload
    └── PullError             the Usage and Cost API refused or broke off

Those with a module behind them are written there, beside the rules they speak of. A bad *record* is never an exception:
it is a `values.Problem` beside the result.
"""


class BaseloadError(Exception):
    """Base of all; the message names the value, what was expected and the next step."""

    exit_code = 3


class UsageError(BaseloadError):
    """The command line or a setting is wrong."""

    exit_code = 2


class ProjectError(UsageError):
    """`baseload.toml` does not say what it must."""


class NothingToRead(BaseloadError):
    """No record could be computed from the input."""

    exit_code = 3


class PriceBookError(BaseloadError):
    """A price file contradicts itself or its schema."""

    exit_code = 2


class LedgerError(BaseloadError):
    """The ledger directory cannot be used."""


class LedgerLocked(LedgerError):
    """Another process is writing the ledger."""


class LedgerVersion(LedgerError):
    """The ledger was written by a newer Baseload."""


class PullError(BaseloadError):
    """The Usage and Cost API refused or broke off."""
