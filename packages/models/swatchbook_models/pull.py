"""`swatchbook models pull`: download the weights of the chosen models from the Hugging Face hub, and name the revision
to pin. No other module downloads weights.

The hub's library reads its usual environment variables: HF_ENDPOINT, HF_TOKEN, HF_HOME.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path

from swatchbook.domain.errors import (
    Authentication,
    Configuration,
    ProviderError,
    ProviderTimeout,
    as_failure,
    reason_of,
)
from swatchbook.domain.extras import require_extras
from swatchbook.domain.settings import PREFIX, Settings
from swatchbook.models.registry import Pulled
from swatchbook_models.weights import DEFAULT_REVISIONS, Checkpoint, files_of, is_folder, split_revision


def pull_chosen(settings: Settings) -> list[Pulled]:
    """Download each hub model that the settings name. Raises what `pull` raises."""
    require_extras(settings, "encoder")
    return [pull(each) for each in chosen(settings)]


def chosen(settings: Settings) -> list[Checkpoint]:
    """Return the hub models that the settings name; the revision is empty if neither settings nor defaults pin it."""
    models = (
        (*split_revision(settings.encoder_model), "ENCODER_MODEL"),
        (*split_revision(settings.structure_model), "STRUCTURE_MODEL"),
    )
    return [
        Checkpoint(model=model, revision=revision or DEFAULT_REVISIONS.get(model, ""), setting=setting)
        for model, revision, setting in models
        if model and not is_folder(model)
    ]


def pull(checkpoint: Checkpoint) -> Pulled:
    """Download the files of a model that Swatchbook reads; complete files are kept, partial downloads are resumed.

    A model without a revision is downloaded at the hub's latest commit.
    Raises Configuration for a model or revision that does not exist or cannot be used, Authentication if the hub
    demands another token, ProviderTimeout or ProviderError if the hub does not answer, and DiskFull.
    """
    from huggingface_hub import HfApi

    if checkpoint.revision:
        with suppress(Configuration):  # it is not in the cache
            return _pulled(checkpoint, checkpoint.folder())
    hub = HfApi()
    with _hub_errors(checkpoint):
        info = hub.model_info(checkpoint.model, revision=checkpoint.revision or None)
    if not (info.sha and re.fullmatch("[0-9a-f]{40}", info.sha)) or checkpoint.revision not in ("", info.sha):
        raise ProviderError(f"The hub returned no commit or another one than requested: {info.sha!r}.", advice=RESUME)
    names = [file.rfilename for file in info.siblings or ()]
    if not any(fnmatch(name, "*.safetensors") and _is_needed(name, checkpoint.model) for name in names):
        raise Configuration(
            f"{PREFIX}{checkpoint.setting}={checkpoint.model} has no weights in safetensors format.",
            advice="Choose another model or another revision of it: pickled weights are never loaded.",
        )
    pinned = checkpoint.model_copy(update={"revision": info.sha})
    with _hub_errors(pinned):
        folder = Path(
            hub.snapshot_download(pinned.model, revision=pinned.revision, allow_patterns=files_of(pinned.model))
        )
        return _pulled(pinned, folder)


def _pulled(checkpoint: Checkpoint, folder: Path) -> Pulled:
    files = [file for file in folder.iterdir() if _is_needed(file.name, checkpoint.model)]
    is_default = DEFAULT_REVISIONS.get(checkpoint.model) == checkpoint.revision
    return Pulled(
        model=checkpoint.model,
        revision=checkpoint.revision,
        folder=str(folder),
        files=len(files),
        megabytes=round(sum(file.stat().st_size for file in files) / 1e6, 1),
        pin=None if is_default else f"{PREFIX}{checkpoint.setting}={checkpoint.model}@{checkpoint.revision}",
    )


def _is_needed(name: str, model: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in files_of(model))


@contextmanager
def _hub_errors(checkpoint: Checkpoint) -> Iterator[None]:
    """Raise the errors of the hub's library as Failures."""
    from huggingface_hub import errors
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]  # the client that its library uses

    setting = f"{PREFIX}{checkpoint.setting}={checkpoint.model}"
    try:
        yield
    except errors.GatedRepoError as error:
        raise Authentication(
            f"{setting} is a gated model: its terms must be accepted first.",
            advice="Accept them on the model's page, then set HF_TOKEN to your access token.",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise Configuration(
            f"The hub has no {checkpoint.model} at {checkpoint.revision}.",
            advice=f"Correct or remove the commit in {PREFIX}{checkpoint.setting}.",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise Configuration(
            f"{setting}: the hub has no such model, or it is private.",
            advice="Check the name; for a private model set HF_TOKEN.",
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise Configuration("The hub is disabled: HF_HUB_OFFLINE is set.", advice="Unset it to pull.") from error
    except httpx.TimeoutException as error:
        raise ProviderTimeout("The hub did not answer in time.", advice=RESUME) from error
    except (httpx.HTTPError, errors.LocalEntryNotFoundError) as error:
        if isinstance(error, errors.HfHubHTTPError) and error.response.status_code in (401, 403):
            raise Authentication("The hub denied access.", advice="Correct or unset HF_TOKEN.") from error
        raise ProviderError(f"The hub failed: {reason_of(error)}.", advice=RESUME) from error
    except OSError as error:
        raise as_failure(error) from error
    except Exception as error:  # a malformed reply, such as a proxy's login page, raises any exception in the library
        raise ProviderError(f"The hub sent a malformed reply: {reason_of(error)}.", advice=RESUME) from error


RESUME = "Run `swatchbook models pull` again: it resumes the download. HF_ENDPOINT selects another hub."
