"""Every error of Freshline, by what the caller can do about it.

    FreshlineError
    ├── UserError           stop: something outside is wrong; the message says what, why and what to do.
    │   ├── ConfigError         a setting: key, value found, expectation
    │   ├── MissingPart         Java, a jar, a model, a library, a topic is not there
    │   └── FormatError         a durable format of another release, or another embedder's vectors
    ├── TransientError      retry: the other side is away or slow; nothing was decided
    │   └── Conflict            somebody else committed first: fold again, check again, try again
    ├── IntegrityError      park: bytes on disk are not what their manifest entry says
    └── Fenced              stop this process: another one has taken over its work

Beside the tree stands schemas.reject.Rejected: park the record, as a dead letter with a reason code.
A UserError never shows a stack trace at the command line. This module knows nothing else of Freshline.
"""


class FreshlineError(Exception):
    """Base of everything that Freshline raises on purpose."""


class UserError(FreshlineError):
    """Stop: the message says what was found, what was expected and what to do."""


class ConfigError(UserError):
    """A setting is unknown, of the wrong type or unsafe."""


class MissingPart(UserError):  # noqa: N818 - named as the user would say it
    """A part that must be there is not."""


class FormatError(UserError):
    """Durable data of another release or of another embedder."""


class TransientError(FreshlineError):
    """Retry: nothing was decided."""


class Conflict(TransientError):  # noqa: N818
    """A compare-and-set lost: fold again, check again."""


class IntegrityError(FreshlineError):
    """Bytes on disk differ from what the manifest names."""


class Fenced(FreshlineError):  # noqa: N818
    """Another process owns this work now."""
