"""The Workspace service, one method a call.

Reads are retried with jitter and honour Retry-After; what changes something goes through `send`,
which sends once and judges nothing: see submit.py for what its answer means.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from typing import Any, Self, TypeVar

import httpx
from pydantic import ValidationError

from wsops import auth, pace, redact, settings
from wsops.answers import NEVER_LEFT, Answer, Oversized, bad_answer, error_for, unreachable
from wsops.audited import Glance
from wsops.auth import Call
from wsops.credentials import signer_from
from wsops.errors import SettingsError
from wsops.glance import glance
from wsops.listing import L, Listing, Page, Part, Range, page_of, read_list
from wsops.models import (
    Desktop,
    DesktopImage,
    Image,
    InconsistentCounts,
    Job,
    Pool,
    Project,
    Record,
    SubJob,
    checked_id,
)
from wsops.settings import Settings
from wsops.transport import Network

_HOW_TO_SET = (
    "export WSOPS_REGION=…, or name a profile of wsops.toml by --profile or default_profile; "
    "`wsops simulate` gives you a fleet to play with"
)
_TRIES = 5
_CONNECT_TRIES = 3
_CREATED = 201
_UNAUTHORIZED = 401
_THROTTLED = 429
_RETRIED = frozenset({429, 500, 502, 503, 504})
_DESKTOPS = Range(100, 10000)

_PROJECTS = page_of("projects", Project)
_POOLS = page_of("desktop_pools", Pool)
_POOL_DESKTOPS = page_of("pool_desktops", Desktop)
_DETAILS = page_of("desktops", Desktop)
_IMAGES = page_of("images", Image)
_IMAGE_INFOS = page_of("image_infos", DesktopImage)
_SUB_JOBS = page_of("jobs", SubJob)

R = TypeVar("R", bound=Record)


class Workspace:
    """A connection to one project of the service; close it, or use it in a `with` block.

    Raises, from every method that reads: `CloudUnreachable`, `CloudRefused` and its kinds,
    `BadAnswer`; `ValueError` for an ID that may not enter a path.
    """

    def __init__(self, config: Settings, *, sleep: Callable[[float], None] = time.sleep) -> None:
        if not config.endpoint:
            msg = f"neither region nor endpoint is set in profile {config.profile!r}"
            raise SettingsError(msg, remedy=_HOW_TO_SET)
        self.settings = config
        self._network = Network(config)
        self._sleep = sleep
        self._pacer = pace.pacer_for(
            config.endpoint, config.pace.reads_per_second, config.pace.workers
        )
        self._breaker = auth.Breaker()
        self.signer = signer_from(config, self._fetch_token)
        self._project_id = config.project_id or getattr(self.signer, "project_id", "")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._network.close()

    @property
    def project_id(self) -> str:
        """The project; looked up at IAM by the region's name where it was not given."""
        if not self._project_id:
            region = self.settings.region
            found = [p for p in self.projects(region) if p.name == region] if region else []
            if len(found) != 1:
                msg = f"project_id is not set and IAM knows {len(found)} projects named {region!r}"
                raise SettingsError(msg)
            self._project_id = checked_id(found[0].id, "project")
        return self._project_id

    @property
    def resolved(self) -> Settings:
        """The settings with the project ID, which may have been looked up."""
        return self.settings.model_copy(update={"project_id": self.project_id})

    # -- reading ----------------------------------------------------------------------------

    def projects(self, name: str) -> tuple[Project, ...]:
        """GET /v3/projects of IAM: the projects of that name."""
        page = self._get(self.settings.iam_endpoint, "/v3/projects", {"name": name}, _PROJECTS)
        return page.rows

    def pools(self) -> Listing[Pool]:
        """GET desktop-pools: all pools of the project."""
        return self._list("/desktop-pools", _POOLS, Range(1000, 20000))

    def pool(self, pool_id: str) -> Pool:
        """GET desktop-pools/{pool_id}: one pool, as it is now."""
        path = f"/desktop-pools/{checked_id(pool_id, 'pool')}"
        return self._get(self.settings.endpoint, self._path(path), {}, Pool)

    def pool_desktops(self, pool_id: str, *, differing: str = "") -> Listing[Desktop]:
        """GET desktop-pools/{pool_id}/desktops: the desktops of a pool.

        `differing` is the region's word for "image" in the filter inconsistent_type, "" for none.
        """
        path, query = _desktops_of(pool_id, differing)
        return self._list(path, _POOL_DESKTOPS, _DESKTOPS, query)

    def glance_at_desktops(
        self, pool_id: str, take: Callable[[Glance], L | None], *, differing: str = ""
    ) -> Listing[L]:
        """GET the same, and keep of each desktop what `take` gives; None only counts it.

        Several times as fast. `take` may be asked twice for the same desktop. What `take` is not
        shown is not checked: a field that is not as it should be goes unnoticed.
        """
        path, query = _desktops_of(pool_id, differing)
        path = self._path(path)

        def get(place: dict[str, str]) -> Part[L]:
            answer = self._answer(Call("GET", self.settings.endpoint, path, query | place))
            if answer.status < 300 and (part := glance(answer.content, take)):
                self._pacer.went_well()
                return part
            page = self._record(answer, _POOL_DESKTOPS)
            return Part.taken(page.rows, take, page.total_count)

        return read_list(get, _DESKTOPS)

    def inconsistent_statics(self, pool_id: str) -> InconsistentCounts:
        """GET desktop-pools/{pool_id}/inconsistent-statics: how many desktops differ, by kind."""
        path = f"/desktop-pools/{checked_id(pool_id, 'pool')}/inconsistent-statics"
        return self._get(self.settings.endpoint, self._path(path), {}, InconsistentCounts)

    def desktops_detail(self, pool_ids: tuple[str, ...]) -> Listing[Desktop]:
        """GET desktops/detail: the desktops of several pools; a row does not say its pool."""
        query = {"pool_id": ",".join(checked_id(pool_id, "pool") for pool_id in pool_ids)}
        return self._list("/desktops/detail", _DETAILS, Range(500, 2**31 - 1), query)

    def check_images(self, desktop_ids: tuple[str, ...]) -> tuple[DesktopImage, ...]:
        """POST desktops/check-images: which images of these desktops still exist; a read."""
        body = {"desktop_ids": [checked_id(desktop_id, "desktop") for desktop_id in desktop_ids]}
        path = self._path("/desktops/check-images")
        call = Call("POST", self.settings.endpoint, path, {}, json.dumps(body).encode())
        return self._read(call, _IMAGE_INFOS).rows

    def images(self, image_id: str = "") -> Listing[Image]:
        """GET images: the images that desktops may be built from, or the one of that ID."""
        query = {"image_id": checked_id(image_id, "image")} if image_id else {}
        return self._list("/images", _IMAGES, Range(100, 5000), query)

    def job(self, job_id: str) -> Job:
        """GET workspace-jobs/{job_id}: a job with its sub-jobs."""
        path = f"/workspace-jobs/{checked_id(job_id, 'job')}"
        return self._get(self.settings.endpoint, self._path(path), {}, Job)

    def sub_jobs(
        self, *, job_id: str = "", job_type: str = "", pool_id: str = ""
    ) -> Listing[SubJob]:
        """GET workspace-sub-jobs: the parts of jobs, by job, or by pool and type of job."""
        query = {"job_id": job_id, "job_type": job_type, "desktop_pool_id": pool_id}
        query = {key: value for key, value in query.items() if value}
        return self._list("/workspace-sub-jobs", _SUB_JOBS, Range(1000, 10000), query)

    # -- changing ---------------------------------------------------------------------------

    def send(self, path: str, body: bytes) -> Answer:
        """POST these exact bytes once; give the bare answer, whatever its status.

        Nothing may wrap this call that sends again. Raises what httpx raises.
        """
        return self._exchange(Call("POST", self.settings.endpoint, path, {}, body), send=True)

    def get_ready(self) -> None:
        """Have credentials for the next ten minutes: a `send` then waits for nobody."""
        self.signer.get_ready()

    def renew(self, answer: Answer) -> bool:
        """Get fresh credentials after a 401; False where there are none to get."""
        if self.signer.renew(answer.generation):
            return True
        if self._breaker.proven:
            self._breaker.refused()
        return False

    # -- how ----------------------------------------------------------------------------------

    def _path(self, rest: str) -> str:
        return f"/v2/{checked_id(self.project_id, 'project')}{rest}"

    def _get(self, base: str, path: str, query: dict[str, str], record: type[R]) -> R:
        return self._read(Call("GET", base, path, query), record)

    def _list(
        self,
        path: str,
        page: type[Page[L]],
        within: Range,
        query: dict[str, str] | None = None,
    ) -> Listing[L]:
        path = self._path(path)

        def get(place: dict[str, str]) -> Part[L]:
            found = self._get(self.settings.endpoint, path, (query or {}) | place, page)
            return Part.of(found)

        return read_list(get, within)

    def _read(self, call: Call, record: type[R]) -> R:
        return self._record(self._answer(call), record)

    def _answer(self, call: Call) -> Answer:
        """Ask; once more, with fresh credentials, where the old ones were refused."""
        answer = self._asked(call)
        if answer.status == _UNAUTHORIZED and self.renew(answer):
            answer = self._asked(call)
            if answer.status == _UNAUTHORIZED:
                self._breaker.refused()
        return answer

    def _asked(self, call: Call) -> Answer:
        """Ask until there is an answer worth giving on, `_TRIES` times at the most."""
        for attempt in range(1, _TRIES + 1):
            last = attempt == _TRIES
            try:
                answer = self._exchange(call)
            except httpx.RequestError as error:
                in_vain = isinstance(error, NEVER_LEFT) and attempt >= _CONNECT_TRIES
                if last or in_vain or isinstance(error, Oversized):
                    raise unreachable(error, call.method, call.path) from None
                self._sleep(pace.full_jitter(attempt))
                continue
            if answer.status not in _RETRIED or last or answer.means_missing:
                break
            self._wait_before_retry(answer, attempt)
        return answer

    def _wait_before_retry(self, answer: Answer, attempt: int) -> None:
        wait = answer.retry_after
        if answer.status == _THROTTLED:
            # Seconds, not at once: the bucket of the gateway refills by the second.
            self._pacer.throttled(wait if wait is not None else pace.full_jitter(attempt, base=1.0))
        else:
            self._sleep(wait if wait is not None else pace.full_jitter(attempt))

    def _record(self, answer: Answer, record: type[R]) -> R:
        # A long list is decoded once, by its record: no error without the word for it.
        if answer.status >= 300 or (b'"error' in answer.content and answer.error_code):
            raise error_for(answer)
        self._pacer.went_well()
        try:
            return record.model_validate_json(answer.content)
        except ValidationError as error:
            raise bad_answer(answer, error) from None

    def _exchange(self, call: Call, *, send: bool = False) -> Answer:
        """Ask, if the credentials may be used."""
        with self._breaker.watching(call.method, call.path):
            answer = self._exchange_once(call, send=send)
            if answer.credentials_good:
                self._breaker.accepted()
            elif answer.credentials_good is False and not self._breaker.proven:
                self._breaker.refused()
        return answer

    def _exchange_once(self, call: Call, *, send: bool) -> Answer:
        """Sign and ask, within the deadline of a call.

        Reads wait for their turn. A send has its own pace, in the journal, and stands on what was
        read seconds ago: it must not wait in the line of an audit that was throttled.
        """
        turn = nullcontext() if send else self._pacer.turn()
        deadline = self._network.deadline.within(self.settings.pace.call_deadline)
        lend = self._network.fresh if send else self._network.line
        with turn, deadline, lend(call.base) as line:
            headers, generation = self.signer.sign(call)
            response = line.send(call.method, call.target, headers, call.content)
            answer = Answer.of(response, call.method, call.path, generation)
        self.signer.saw_date(response.headers.get("Date"))
        return answer

    def _fetch_token(self) -> auth.Token:
        """POST /v3/auth/tokens of IAM (Keystone v3), once: bad passwords lock a user."""
        config = self.settings
        if not config.domain or not config.iam_endpoint:
            msg = "a password needs domain, and region or iam_endpoint, as well"
            raise SettingsError(msg)
        password = config.password.get_secret_value() if config.password else ""
        user = {"name": config.user, "password": password, "domain": {"name": config.domain}}
        project = {"id": config.project_id} if config.project_id else {"name": config.region}
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": project},
            }
        }
        path = "/v3/auth/tokens"
        self._breaker.check("POST", path)
        try:
            deadline = self._network.deadline.within(config.pace.call_deadline)
            with deadline, self._network.line(config.iam_endpoint) as line:
                response = line.send("POST", path, {}, json.dumps(body).encode())
                answer = Answer.of(response, "POST", path, "")
        except httpx.RequestError as error:
            raise unreachable(error, "POST", path) from None
        if answer.status != _CREATED:
            if answer.status == _UNAUTHORIZED:
                self._breaker.refused()
            raise error_for(answer)
        return _token(answer, response.headers.get("X-Subject-Token", ""))


def connect(profile: str | None = None, **overrides: Any) -> Workspace:  # noqa: ANN401
    """Connect to the service with the settings of a profile; sends nothing yet.

    Raises:
        SettingsError: the settings or the credentials cannot be used.
    """
    return Workspace(settings.load(profile, **overrides))


def _desktops_of(pool_id: str, differing: str) -> tuple[str, dict[str, str]]:
    path = f"/desktop-pools/{checked_id(pool_id, 'pool')}/desktops"
    return path, {"inconsistent_type": differing} if differing else {}


def _token(answer: Answer, value: str) -> auth.Token:
    try:
        expires = json.loads(answer.content)["token"]["expires_at"]
        at = datetime.fromisoformat(expires)
        if not value or at.tzinfo is None:
            raise ValueError  # noqa: TRY301
    except (ValueError, KeyError, TypeError) as error:
        raise bad_answer(answer, error) from None
    redact.register(value)
    return auth.Token(value, at)
