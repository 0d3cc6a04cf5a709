"""Checks, before any work and without waiting, that a run has credentials for its stores.

Beam itself searches for Google's credentials for half a minute and then goes on without any, and
tries Amazon's for ten minutes.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import GoogleCloudOptions, S3Options

from beam_audio.errors import ConfigError, MachineError
from beam_audio.store import beam_hooks, files

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apache_beam.options.pipeline_options import PipelineOptions

EMULATOR: Final = "STORAGE_EMULATOR_HOST"

_FOUND: Final[set[str]] = set()
"""Schemes for which this process has credentials, with the options it has."""


def require_access(uris: Iterable[str | None], options: PipelineOptions) -> None:
    """Hand the options to Beam's file systems and look for the credentials these need.

    Local paths need none, so none are looked for.

    Raises:
        ConfigError: Credentials or a package are missing.
    """
    FileSystems.set_options(options)
    _FOUND.clear()
    for scheme, uri in {files.scheme(uri): uri for uri in uris if uri}.items():
        _require(scheme, uri, options)


def require_credentials(uri: str) -> None:
    """Look for a store's credentials before it is asked about what a manifest or message names.

    Without them Beam asks for a minute, and for each address again.

    Raises:
        MachineError: Credentials or a package are missing.
    """
    scheme = files.scheme(uri)
    if scheme is None or scheme in _FOUND:
        return
    bucket = uri.partition("://")[2].partition("/")[0]
    try:
        _require(scheme, f"{scheme}://{bucket}", beam_hooks.file_system_options())
    except ConfigError as error:
        raise MachineError(str(error)) from error


def _require(scheme: str | None, uri: str, options: PipelineOptions) -> None:
    if scheme == "gs":
        _require_google(uri, options)
    elif scheme == "s3":
        _require_amazon(uri, options)
    if scheme is not None:
        _FOUND.add(scheme)


def _require_google(uri: str, options: PipelineOptions) -> None:
    """Refuse ``gs://`` without credentials, unless the options or an emulator need none."""
    given = options.view_as(GoogleCloudOptions)
    if given.no_auth or EMULATOR in os.environ:
        beam_hooks.skip_google_credentials()
        return
    if find_spec("google_auth_httplib2") is None:
        raise ConfigError(
            f"{uri}: Google Cloud Storage needs pip install 'beam_audio[gcp]'; "
            "a public bucket can be read with --no_auth"
        )
    import google.auth  # noqa: PLC0415 - slow, and for buckets alone
    from google.auth.exceptions import DefaultCredentialsError  # noqa: PLC0415

    try:
        google.auth.default(scopes=given.gcp_oauth_scopes)
    except DefaultCredentialsError as error:
        raise ConfigError(
            f"{uri}: no Google credentials were found; run 'gcloud auth application-default login' "
            "or name a key file in GOOGLE_APPLICATION_CREDENTIALS; a public bucket can be read "
            "with --no_auth"
        ) from error


def _require_amazon(uri: str, options: PipelineOptions) -> None:
    if find_spec("boto3") is None:
        raise ConfigError(f"{uri}: s3:// needs pip install 'beam_audio[aws]'")
    import boto3  # noqa: PLC0415 - not everybody installs it

    if not (options.view_as(S3Options).s3_access_key_id or boto3.Session().get_credentials()):
        raise ConfigError(
            f"{uri}: no AWS credentials were found; run 'aws configure', set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or give --s3_access_key_id and --s3_secret_access_key"
        )
