"""kafka-python's errors as Freshline's, by what the caller can do: stop, retry, or tell the user."""

from collections.abc import Iterator
from contextlib import contextmanager

from kafka import errors

from freshline.errors import Fenced, FreshlineError, TransientError, UserError

#: Another producer has the transactional id, or the group has gone on without this member (KIP-447, KIP-588).
_FENCED = (
    errors.ProducerFencedError,
    errors.InvalidProducerEpochError,
    errors.FencedInstanceIdError,
    errors.CommitFailedError,
    errors.IllegalGenerationError,
    errors.UnknownMemberIdError,
)
_REFUSED = (
    errors.AuthorizationError,
    errors.SaslAuthenticationFailedError,
    errors.UnsupportedSaslMechanismError,
    errors.UnsupportedVersionError,
    errors.KafkaConfigurationError,
    errors.InvalidReplicationFactorError,
    errors.PolicyViolationError,
    errors.InvalidConfigurationError,
)
_TOO_LARGE = (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError)


@contextmanager
def translated(step: str) -> Iterator[None]:
    """Raise Fenced, UserError or TransientError for whatever kafka-python raises inside the block."""
    try:
        yield
    except (errors.KafkaError, OSError) as exc:
        raise translate(step, exc) from exc


def translate(step: str, exc: Exception) -> FreshlineError:
    """Return the error that says what the caller of `step` can do."""
    message = f"{step}: {exc}"
    if isinstance(exc, _FENCED):
        return Fenced(message)
    if isinstance(exc, _TOO_LARGE):
        return UserError(f"{message}. The topic's max.message.bytes, or the record's size, is to be changed")
    if isinstance(exc, _REFUSED):
        return UserError(
            f"{message}. The broker refuses this client: check [kafka] and the broker's access rules"
        )
    return TransientError(message)
