"""The state of a simulated region: fleet, jobs, clock, faults and ledger; no HTTP."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from random import Random

from wsops.simulator import wire
from wsops.simulator.access import Access, Identity, new_identity
from wsops.simulator.agenda import Agenda
from wsops.simulator.answers import no_desktop, no_job, no_pool
from wsops.simulator.clock import Clock
from wsops.simulator.faults import Faults
from wsops.simulator.fleet import dump_fleet, load_fleet
from wsops.simulator.generate import generate
from wsops.simulator.jobs import Job
from wsops.simulator.ledger import Ledger
from wsops.simulator.options import Options
from wsops.simulator.records import Desktop, Fleet, Image, Pool, Row
from wsops.simulator.regions import REGIONS
from wsops.simulator.rows import new_id


class Cloud:
    """One region with one project; every public method may be called from any thread."""

    def __init__(
        self,
        options: Options | None = None,
        *,
        clock: Callable[[], float] = time.time,
        identity: Identity | None = None,
        fleet: Fleet | None = None,
    ) -> None:
        """Build the fleet; raises FleetError or FaultError for options that cannot be met."""
        self.options = options or Options()
        self.clock = Clock(clock)
        self.lock = threading.RLock()
        self.ledger_ = Ledger()
        self.faults = Faults(self.options.faults, self.options.seed)
        self.rng = Random(f"cloud:{self.options.seed}")
        self.project_id = new_id(Random(f"project:{self.options.seed}")).replace("-", "")
        self.identity = identity or new_identity(self.options.security_token)
        self.access = Access(self.identity, self.now)
        self.fleet = fleet or _fleet(self.options)
        self.region = REGIONS[self.options.region or self.fleet.generation]
        self.fleet.generation = self.region.generation
        self.fleet.region = self.options.region_name or self.fleet.region
        self.images = {image.id: image for image in self.fleet.images}
        self.pools = {pool.id: pool for pool in self.fleet.pools}
        self.desktops = {one.id: one for pool in self.fleet.pools for one in pool.desktops}
        self.jobs: dict[str, Job] = {}
        self.denied: set[str] = set()  # operations that the account may not perform
        self.agenda = Agenda()
        self._order = count(1)
        if self.options.warm:
            for desktop in self.desktops.values():
                wire.core(desktop, self.now())

    @property
    def ledger(self) -> Ledger:
        """Return the ledger, after carrying out what has come due."""
        self.settle()
        return self.ledger_

    @property
    def region_name(self) -> str:
        """Return the region's name, which is also its project's at IAM."""
        return self.fleet.region

    def now(self) -> float:
        """Return the simulated epoch seconds."""
        return self.clock.now()

    def advance(self, seconds: float) -> float:
        """Move the clock forward and return the new time; raises ValueError for bad numbers."""
        self.clock.advance(seconds)
        self.settle()
        return self.now()

    def settle(self) -> None:
        """Carry out what has come due: late requests, and rebuilds that have come to rest."""
        if self.agenda:
            with self.lock:
                self.agenda.settle(self.now())

    def pool(self, pool_id: str) -> Pool:
        """Return a pool; raises Refusal (400, WKS.0001) when there is none."""
        if pool_id not in self.pools:
            raise no_pool(pool_id)
        return self.pools[pool_id]

    def desktop(self, desktop_id: str) -> Desktop:
        """Return a desktop; raises Refusal (500, WKS.0202) when there is none."""
        if desktop_id not in self.desktops:
            raise no_desktop(desktop_id)
        return self.desktops[desktop_id]

    def job(self, job_id: str) -> Job:
        """Return a job; raises Refusal (404) when there is none."""
        if job_id not in self.jobs:
            raise no_job(job_id)
        return self.jobs[job_id]

    def accept(self, kind: str, pool_ids: tuple[str, ...]) -> Job:
        """Open a job; job IDs never come from the seed, so that two runs never share one."""
        speed = self.options.speed
        job = Job(
            id=str(uuid.uuid4()),
            kind=kind,
            pool_ids=pool_ids,
            created=self.now(),
            close_after=self.options.close_seconds * self.rng.uniform(0.4, 1.0) / speed,
            word=self.rng.choice(("SUCCESS", "COMPLETE")),
        )
        self.jobs[job.id] = job
        return job

    # What tests and /_sim/state do from outside the API.

    def set_login(self, desktop_id: str, word: str, user: str | None = None) -> None:
        """Make somebody log in or out: set a desktop's login_status."""
        with self.lock:
            desktop = self.desktop(desktop_id)
            desktop.login_status, desktop.core = word, None
            desktop.user = desktop.user if user is None else user

    def set_status(self, desktop_id: str, word: str) -> None:
        """Set a desktop's status, such as SHUTOFF."""
        with self.lock:
            desktop = self.desktop(desktop_id)
            desktop.status, desktop.core = word, None

    def set_desktop_image(self, desktop_id: str, image_id: str) -> None:
        """Make a desktop run another image, without any job."""
        with self.lock:
            desktop, image = self.desktop(desktop_id), self.images.get(image_id)
            desktop.image_id, desktop.core = image_id, None
            desktop.image_name = image.name if image else ""

    def set_pool_image(self, pool_id: str, image_id: str) -> None:
        """Make another image the one that the pool's desktops should run."""
        with self.lock:
            self.pool(pool_id).take_image(self.images.get(image_id) or Image({"id": image_id}))

    def add_desktop(self, pool_id: str, *, first: bool = False) -> Desktop:
        """Add a desktop like the pool's others, at the end of the list or before the first."""
        with self.lock:
            pool = self.pool(pool_id)
            sample = next(iter(pool.desktops), None) or next(iter(self.desktops.values()))
            fresh = replace(
                sample,
                id=new_id(self.rng),
                name=f"{pool.name}-x{next(self._order):03d}",
                pool_id=pool.id,
                image_id=pool.image_id,
                user="",
                sub=None,
                core=None,
                image_name=str(pool.row.get("image_name") or ""),
                status="ACTIVE",
                login_status="REGISTERED",
                product_id=pool.product_id,
            )
            pool.desktops.insert(0 if first else len(pool.desktops), fresh)
            self.desktops[fresh.id] = fresh
            return fresh

    def remove_desktop(self, desktop_id: str) -> None:
        """Take a desktop out of its pool."""
        with self.lock:
            desktop = self.desktop(desktop_id)
            self.pool(desktop.pool_id).desktops.remove(desktop)
            del self.desktops[desktop_id]

    def snapshot(self) -> Row:
        """Return the content of a fleet file for the fleet as it is now."""
        with self.lock:
            self.settle()
            self.fleet.pools = list(self.pools.values())
            return dump_fleet(self.fleet, self.now())


def _fleet(options: Options) -> Fleet:
    if options.fleet is not None:
        return load_fleet(options.fleet)
    return generate(options.pools, options.desktops, options.seed, options.mismatch)
