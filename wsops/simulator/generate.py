"""A fleet made from a seed: the same options give the same fleet, byte for byte."""

from __future__ import annotations

from itertools import accumulate, pairwise
from random import Random

from wsops.simulator import names, rows
from wsops.simulator.names import Family
from wsops.simulator.records import Desktop, Fleet, Image, Pool, Shared
from wsops.simulator.rows import new_id

# Most people work elsewhere at the hour of a maintenance.
_LOGINS = ("REGISTERED",) * 17 + ("CONNECTED",) * 2 + ("DISCONNECTED",)


def generate(pools: int, desktops: int, seed: int, mismatch: float) -> Fleet:
    """Make a fleet of `pools` pools with `desktops` desktops each on average."""
    rng = Random(f"fleet:{seed}")
    lines = {family.key: _images(rng, family) for family in names.FAMILIES}
    # One withdrawn image: some desktops run what nobody can build from any more.
    withdrawn = lines["cad"][0]
    images = [image for line in lines.values() for image in line if image is not withdrawn]
    sizes = _sizes(rng, pools, desktops)
    made = [_pool(rng, number, size, lines) for number, size in enumerate(sizes)]
    _mismatch(rng, made, lines, mismatch)
    return Fleet(images=images, pools=made)


def _images(rng: Random, family: Family) -> list[Image]:
    return [
        Image(
            {
                "id": new_id(rng),
                "image_type": family.image_type,
                "os_type": family.os_type,
                "architecture": family.architecture,
                "os_version": family.os_version,
                "disk_format": "zvhd2",
                "name": name,
                "min_ram": 4096,
                "min_disk": family.min_disk,
                "product_code": family.product_code or None,
                "created_at": f"2025-{2 + 3 * age:02d}-{rng.randint(1, 28):02d}T08:15:00.000Z",
                "kms_id": None,
            }
        )
        for age, name in enumerate(family.generations)
    ]


def _sizes(rng: Random, pools: int, mean: int) -> list[int]:
    """Spread pools x mean desktops over the pools, some much larger than others."""
    if not pools:
        return []
    weights = [
        names.DEPARTMENTS[n % len(names.DEPARTMENTS)][3] * rng.uniform(0.7, 1.3)
        for n in range(pools)
    ]
    scale = pools * mean / sum(weights)
    edges = [0, *(round(total * scale) for total in accumulate(weights))]
    return [end - start for start, end in pairwise(edges)]


def _pool(rng: Random, number: int, size: int, lines: dict[str, list[Image]]) -> Pool:
    stem, family, kind, _ = names.DEPARTMENTS[number % len(names.DEPARTMENTS)]
    name = f"{stem}-{number // len(names.DEPARTMENTS) + 1:02d}"
    image = lines[family][2 if rng.random() < 0.8 else 1]
    pool = Pool(rows.pool_row(rng, name, family, kind))
    pool.take_image(image)
    shared = Shared(rows.shared_fields(rng, pool.row))
    pool.desktops = [_desktop(rng, pool, shared, image, place) for place in range(1, size + 1)]
    return pool


def _desktop(rng: Random, pool: Pool, shared: Shared, image: Image, place: int) -> Desktop:
    draw = rng.random()
    status = "ACTIVE" if draw < 0.86 else "SHUTOFF" if draw < 0.97 else "HIBERNATED"
    named = pool.row["type"] == "STATIC" or rng.random() < 0.6
    user = f"{rng.choice(names.GIVEN)}.{rng.choice(names.FAMILY_NAMES)}{place}" if named else ""
    login = rng.choice(_LOGINS) if status == "ACTIVE" else "UNREGISTER"
    return Desktop(
        id=new_id(rng),
        name=f"{pool.name}-{place:04d}",
        pool_id=pool.id,
        image_id=image.id,
        image_name=image.name,
        shared=shared,
        os_version=image.os_version,
        status=status,
        user=user,
        login_status=login if user or login == "UNREGISTER" else "REGISTERED",
        ip=f"10.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(2, 254)}",
        product_id=pool.product_id,
    )


def _mismatch(rng: Random, pools: list[Pool], lines: dict[str, list[Image]], share: float) -> None:
    """Put older images on `share` of the desktops, most of them in a third of the pools."""
    total = sum(len(pool.desktops) for pool in pools)
    wanted = round(total * share)
    order = rng.sample(pools, len(pools))
    bad = order[: max(1, len(order) // 3)]
    spare = order[len(bad) :]
    while spare and sum(len(pool.desktops) for pool in bad) * 0.7 < wanted:
        bad.append(spare.pop(0))
    older = {
        image.id: line[max(0, age - 1)] for line in lines.values() for age, image in enumerate(line)
    }
    places = [(pool, place) for pool in bad for place in range(len(pool.desktops))]
    for pool, place in rng.sample(places, min(wanted, len(places))):
        desktop, image = pool.desktops[place], older[pool.image_id]
        desktop.image_id, desktop.image_name = image.id, image.name
