"""Weights from the Hugging Face hub onto this machine: the only place that downloads any, and only when asked to.

HF_ENDPOINT, HF_TOKEN, HF_HOME and the rest mean what they mean to every program that uses the hub.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from swatchbook.errors import Authentication, Configuration, ProviderError, ProviderTimeout, as_failure
from swatchbook.models.weights import FILES, KNOWN, Checkpoint, is_folder, revision_setting
from swatchbook.records import Record
from swatchbook.settings import COMMIT, PREFIX, Settings


class Pulled(Record):
    """One model that is here now, whole. `pin`: what to set so that it is the one that is used, if anything."""

    model: str
    revision: str
    folder: str
    files: int
    megabytes: float
    pin: str | None = None


def chosen(settings: Settings) -> list[Checkpoint]:
    """The hub's models that the settings name; an empty revision is one that nobody has pinned yet."""
    if settings.encoder != "siglip":
        return []
    named = (
        (settings.encoder_model, settings.encoder_revision, "ENCODER_MODEL"),
        (settings.structure_model, settings.structure_revision, "STRUCTURE_MODEL"),
    )
    return [
        Checkpoint(model=model, revision=revision or KNOWN.get(model, ""), setting=setting)
        for model, revision, setting in named
        if model and not is_folder(model)
    ]


def pull(checkpoint: Checkpoint) -> Pulled:
    """Fetch what is read of a model, and nothing else. What is here already is not fetched again; what was cut off is
    taken up where it ended. A model that nobody has pinned is fetched as the hub has it now.

    Raises Configuration for a model or revision that is not there or cannot be used, Authentication for one that wants
    a token, ProviderTimeout and ProviderError where the hub does not answer, DiskFull.
    """
    from huggingface_hub import HfApi

    if checkpoint.revision and (here := _here(checkpoint)):
        return _pulled(checkpoint, here)
    hub = HfApi()
    with _told(checkpoint):
        found = hub.model_info(checkpoint.model, revision=checkpoint.revision or None)
    if not (found.sha and re.fullmatch(COMMIT, found.sha)) or checkpoint.revision not in ("", found.sha):
        raise ProviderError(f"The hub names no commit, or another than was asked for: {found.sha!r}.", advice=AGAIN)
    names = [file.rfilename for file in found.siblings or ()]
    if not any(fnmatch(name, "*.safetensors") and _is_read(name) for name in names):
        raise Configuration(
            f"{PREFIX}{checkpoint.setting}={checkpoint.model} has no weights as safetensors.",
            advice="Choose another model, or another revision of it: pickled weights are not loaded.",
        )
    pinned = checkpoint.model_copy(update={"revision": found.sha})
    with _told(pinned):
        folder = Path(hub.snapshot_download(pinned.model, revision=pinned.revision, allow_patterns=list(FILES)))
        return _pulled(pinned, folder)


def _here(checkpoint: Checkpoint) -> Path | None:
    try:
        return checkpoint.folder()
    except Configuration:
        return None


def _pulled(checkpoint: Checkpoint, folder: Path) -> Pulled:
    files = [file for file in folder.iterdir() if _is_read(file.name)]
    known = KNOWN.get(checkpoint.model) == checkpoint.revision
    return Pulled(
        model=checkpoint.model,
        revision=checkpoint.revision,
        folder=str(folder),
        files=len(files),
        megabytes=round(sum(file.stat().st_size for file in files) / 1e6, 1),
        pin=None if known else f"{revision_setting(checkpoint.setting)}={checkpoint.revision}",
    )


def _is_read(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in FILES)


@contextmanager
def _told(checkpoint: Checkpoint) -> Iterator[None]:
    """The hub's errors as ours."""
    from huggingface_hub import errors
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]  # whichever client the hub's library uses

    setting, what = f"{PREFIX}{checkpoint.setting}={checkpoint.model}", f"{checkpoint.model} at {checkpoint.revision}"
    try:
        yield
    except errors.GatedRepoError as error:
        raise Authentication(
            f"{setting} is given only to those who accept its terms.",
            advice="Accept them on its page, and set HF_TOKEN to a token of yours.",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise Configuration(
            f"There is no {what}.", advice=f"Correct or remove {revision_setting(checkpoint.setting)}."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise Configuration(
            f"{setting}: the hub knows no such model, or shows it only to those it knows.",
            advice="Check the name; for a private model set HF_TOKEN.",
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise Configuration("The hub may not be asked: HF_HUB_OFFLINE is set.", advice="Unset it to pull.") from error
    except httpx.TimeoutException as error:
        raise ProviderTimeout("The hub did not answer in time.", advice=AGAIN) from error
    except (httpx.HTTPError, errors.LocalEntryNotFoundError) as error:
        if isinstance(error, errors.HfHubHTTPError) and error.response.status_code in (401, 403):
            raise Authentication(
                f"The hub refuses: {_first_line(error)}", advice="Correct or unset HF_TOKEN."
            ) from error
        raise ProviderError(f"The hub does not answer as it should: {_first_line(error)}", advice=AGAIN) from error
    except OSError as error:
        raise as_failure(error) from error
    except Exception as error:  # its library takes for granted that a hub answers, as a page to log in at does not
        raise ProviderError(
            f"The hub answers with what cannot be read: {type(error).__name__}: {_first_line(error)}", advice=AGAIN
        ) from error


AGAIN = "Run `swatchbook models pull` again: it goes on where it ended. HF_ENDPOINT names another hub."


def _first_line(error: Any) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
