"""Asking an S3 service, with patience: what passes (a service that is busy or away, a broken connection) is waited out,
and what does not is told in a sentence of ours, in which no key or secret can be."""

from __future__ import annotations

import itertools
import logging
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import boto3.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSLError,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from errors import BadValue, RunFailed

T = TypeVar("T")
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 20.0
FAILURES = (ClientError, BotoCoreError, ResponseParserError, HTTPError, OSError)
MISSING = ("NoSuchKey", "404", "NotFound")

_BROKEN = (NoConnection, HTTPClientError, IncompleteReadError, ResponseParserError, HTTPError, OSError)
_NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    TokenRetrievalError,
    ProfileNotFound,
    SSOError,
)
_BUSY = ("SlowDown", "ServiceUnavailable", "TooManyRequests", "RequestLimitExceeded", "Throttling", "429", "503")
_PASSING = (*_BUSY, "RequestTimeout", "InternalError", "OperationAborted", "IncompleteBody", "BadDigest")
_FULL = 507
_SIGN_IN = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of ~/.aws in AWS_PROFILE"
_REGION = "name the bucket's own region in AWS_DEFAULT_REGION"
_PERMISSIONS = "they need to list the bucket, and to get, put and delete its objects"
_TOLD = {
    "AccessDenied": f"access is denied to these credentials; {_PERMISSIONS}",
    "InvalidAccessKeyId": f"the service does not know this access key; {_SIGN_IN}",
    "SignatureDoesNotMatch": f"the service does not take this secret key; {_SIGN_IN}",
    "ExpiredToken": "the credentials have expired; get new ones",
    "InvalidToken": "the session token is not taken; get a new one, or unset AWS_SESSION_TOKEN",
    "RequestTimeTooSkewed": "this machine's clock is wrong; set it",
    "PermanentRedirect": f"the bucket is in another region; {_REGION}",
    "AuthorizationHeaderMalformed": f"the bucket is in another region; {_REGION}",
    "IllegalLocationConstraintException": f"the bucket is in another region; {_REGION}",
    "BadDigest": "the bytes arrived damaged, again and again; look at the network",
}
_OF_STATUS = {
    301: _TOLD["PermanentRedirect"],
    401: f"the service does not take these credentials; {_SIGN_IN}",
    403: _TOLD["AccessDenied"],
    _FULL: "the service has no room left; make some",
}
_log = logging.getLogger("toadworks.s3")


@dataclass(frozen=True)
class Keys:
    """The settings that say which bucket, and which service, for sentences that ask to correct them."""

    bucket: str
    endpoint: str


ASSETS = Keys("storage.assets", "storage.endpoint_url")


@lru_cache(maxsize=16)
def client(process: int, endpoint_url: str, connect_s: float, read_s: float) -> Any:
    """A client for this process (`os.getpid()`: a forked one must not share connections), which threads may share.

    Credentials and region are what boto3 finds in the environment, in ~/.aws or of the machine. Raises BadValue for an
    endpoint that boto3 does not take.
    """
    config = Config(
        connect_timeout=connect_s,
        read_timeout=read_s,
        # `ask` tries again. botocore's own retries share 500 tokens in a process, 14 a retry: after a few outages it
        # would give up at the first failure.
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=32,
        tcp_keepalive=True,
        # what goes and comes is verified by MD5 and SHA-256; not every service knows newer checksums
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # by address or by a name in a local network, a bucket cannot be part of the host's name
        s3={"addressing_style": "path"} if endpoint_url else None,
    )
    try:
        # a session of its own: boto3's shared one is not safe to use in threads
        return boto3.session.Session().client("s3", endpoint_url=endpoint_url or None, config=config)
    except ValueError as error:
        if isinstance(error, BotoCoreError):  # a bad region, for one
            raise
        raise BadValue("endpoint", endpoint_url, "a URL that boto3 takes") from None


def ask(call: Callable[[], T], failing: str, patience_s: float, keys: Keys = ASSETS) -> T:
    """What `call` returns, called again until it succeeds, fails for good or `patience_s` seconds have passed.

    Pauses grow, and are no shorter than the service asks for (Retry-After, in seconds). In the end it raises RunFailed:
    `failing` ("s3://toads/ab/cd.png: the asset cannot be read"), why, and what to do; `keys` are named in that.
    """
    until = time.monotonic() + patience_s
    for attempt in itertools.count():
        try:
            return call()
        except FAILURES as error:
            failure = error
        # outside of the except, so that nothing of the service's answer hangs on the error that is raised
        wait = random.uniform(0.5, 1) * min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**attempt)
        wait = max(wait, _asked_for(failure))
        if not _passes(failure) or time.monotonic() + wait > until:
            raise RunFailed(f"{failing}: {_why(failure, keys)}")
        _log.info("%s: %s; trying again in %.1f s", failing, _why(failure, keys), wait)
        time.sleep(wait)
    raise AssertionError("count() does not end")


def code_of(error: BaseException) -> str:
    """The service's own word for what is wrong; "" if it did not get to say one."""
    if not isinstance(error, ClientError):
        return ""
    code = str(error.response.get("Error", {}).get("Code", ""))
    return code if re.fullmatch(r"[A-Za-z0-9.]{1,64}", code) else "unknown"


def _status_of(error: BaseException) -> int:
    if not isinstance(error, ClientError):
        return 0
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _asked_for(error: BaseException) -> float:
    """Seconds that a busy service wants to be left alone."""
    if not isinstance(error, ClientError):
        return 0.0
    told = str(error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after", ""))
    return float(told) if re.fullmatch(r"[0-9]{1,6}", told) else 0.0


def _passes(error: BaseException) -> bool:
    if isinstance(error, ClientError):
        status = _status_of(error)
        return code_of(error) in _PASSING or status in (408, 429) or (status >= 500 and status not in (501, _FULL))
    return isinstance(error, _BROKEN) and not _distrusted(error)


def _distrusted(error: BaseException) -> bool:
    return isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error)


def _why(error: BaseException, keys: Keys) -> str:
    """Made of our own words: those of a service may repeat what it was sent."""
    if isinstance(error, _NO_CREDENTIALS):
        return f"there are no credentials ({type(error).__name__}); {_SIGN_IN}"
    if _distrusted(error):
        return "the service's certificate is not trusted; name the file of its authority in AWS_CA_BUNDLE"
    if isinstance(error, _BROKEN):
        return (
            f"the service does not answer as it should ({type(error).__name__}); "
            f"look at the network and at {keys.endpoint}, then run this again"
        )
    code, status = code_of(error), _status_of(error)
    if code in _BUSY or status == 429:
        return f"the service has been too busy for too long ({code}); run this again later"
    if code == "NoSuchBucket":
        return f"there is no such bucket; make it, or correct {keys.bucket}"
    if code in _TOLD:
        return _TOLD[code]
    if status in _OF_STATUS:
        return _OF_STATUS[status]
    if status:
        return f"the service refuses it ({code}, status {status}); run this again, or ask who runs it"
    return f"boto3 refuses it ({type(error).__name__}); look at the AWS_ variables and at ~/.aws/config"
