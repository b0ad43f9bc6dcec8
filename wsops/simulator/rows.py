"""The wire rows of a generated fleet: what a pool says of itself, and its desktops in common."""

from __future__ import annotations

from random import Random

from wsops.simulator import names
from wsops.simulator.records import Row

ZONES = ("sim-region-1a", "sim-region-1b", "sim-region-1c")


def new_id(rng: Random) -> str:
    """Return a UUID (version 4) drawn from this generator."""
    bits = (rng.getrandbits(128) & ~(0xF << 76) | (4 << 76)) & ~(0x3 << 62) | (0x2 << 62)
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def pool_row(rng: Random, name: str, family: str, kind: str) -> Row:
    """Return a pool's row without its image and without what is counted."""
    # Market images cost money: on a yearly pool each rebuild would need an order.
    yearly = family != "design" and rng.random() < 0.2
    mode, net = "0" if yearly else "1", new_id(rng)
    autoscale = kind == "DYNAMIC" and rng.random() < 0.3
    return _EVERY_POOL | {
        "id": new_id(rng),
        "name": name,
        "type": kind,
        "description": f"{name}, {family} desktops",
        "created_time": f"2024-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}T11:45:42.000Z",
        "charging_mode": mode,
        "availability_zone": rng.choice(ZONES),
        "subnet_id": net,
        "subnet_ids": [net],
        "product": product_row(family, mode),
        "root_volume": {"type": "SSD", "size": 100, "resource_spec_code": "SSD", "kms_id": None},
        "data_volumes": [],
        "security_groups": [{"id": new_id(rng), "name": "WorkspaceUserSecurityGroup"}],
        "disconnected_retention_period": 60 if kind == "DYNAMIC" else None,
        "enable_autoscale": autoscale,
        "autoscale_policy": dict(_AUTOSCALE) if autoscale else None,
        "user_reset_policy": {"enable": kind == "STATIC", "reset_count_per_day": 1},
        "status": "STEADY",
        "vpc_id": new_id(rng),
    }


_EVERY_POOL: Row = {
    "image_cloud_service_type": "hws.service.type.vdi",
    "image_resource_type": "hws.resource.type.workspace.image",
    "enterprise_project_id": "0",
    "in_maintenance_mode": False,
    "desktop_name_policy_id": None,
    "tags": [],
    "ou_name": None,
    "isolation_num": 0,
    "domain": "corp.example.com",
}
_EVERY_DESKTOP: Row = {
    "user_group_list": [],
    "domain_status": 1,
    "data_volumes": [],
    "site_type": "CENTER",
    "site_name": "center",
    "tags": [],
    "internet_mode": "NAT",
    "is_attaching_eip": False,
    "attach_state": "ATTACHED",
    "enterprise_project_id": "0",
    "agent_version": "24.6.1.3",
}
_PRODUCT_KEYS = ("product_id", "flavor_id", "type", "cpu", "memory", "architecture", "is_gpu")
_AUTOSCALE = {
    "autoscale_type": "AUTO_CREATED",
    "max_auto_created": 50,
    "min_idle": 5,
    "once_auto_created": 2,
    "min_retention": 0,
    "idle_retention_duration": 0,
    "auto_isolation_enable": False,
    "auto_isolation_max_num": 0,
}


def product_row(family: str, mode: str) -> Row:
    """Return the package that a pool's desktops are of."""
    product, cpu, memory = names.PRODUCTS[family]
    return {
        "product_id": product,
        "flavor_id": product.rpartition(".")[0],
        "type": "BASE",
        "cpu": str(cpu),
        "memory": str(memory),
        "descriptions": f"{cpu} vCPUs | {memory // 1024} GB",
        "charge_mode": mode,
        "architecture": "arm" if family == "kylin" else "x86",
        "is_gpu": ".g6." in product,
        "status": "normal",
    }


def shared_fields(rng: Random, row: Row) -> Row:
    """Return the fields that all desktops of a generated pool have in common."""
    product = row["product"]
    return _EVERY_DESKTOP | {
        "desktop_type": "POOLED" if row["type"] == "DYNAMIC" else "DEDICATED",
        "metadata": {
            "charging_mode": row["charging_mode"],
            "metering.resourcespeccode": product["product_id"],
        },
        "flavor": {"id": product["flavor_id"], "links": []},
        "created": row["created_time"],
        "security_groups": row["security_groups"],
        "root_volume": {
            "type": "SSD",
            "size": 100,
            "device": "/dev/sda",
            "id": new_id(rng),
            "create_time": row["created_time"],
            "resource_spec_code": "SSD",
        },
        "availability_zone": row["availability_zone"],
        "product": {key: product[key] for key in _PRODUCT_KEYS},
        "subnet_id": row["subnet_id"],
        "domain": row["domain"],
    }
