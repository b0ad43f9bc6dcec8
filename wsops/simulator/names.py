"""Words for a fleet that a person would believe: departments, images, people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """One line of images with three generations, oldest first."""

    key: str
    image_type: str  # gold, private or market
    os_type: str
    os_version: str
    generations: tuple[str, str, str]
    architecture: str = "x86"
    min_disk: int = 80
    product_code: str = ""


FAMILIES = (
    Family(
        "office",
        "private",
        "Windows",
        "Windows 11 Enterprise 23H2",
        ("Win11-Office-2025.03", "Win11-Office-2025.06", "Win11-Office-2025.09"),
    ),
    Family(
        "cad",
        "private",
        "Windows",
        "Windows 10 Enterprise LTSC 2021",
        ("Win10-CAD-GPU-v4.1", "Win10-CAD-GPU-v4.2", "Win10-CAD-GPU-v5.0"),
        min_disk=100,
    ),
    Family(
        "dev",
        "private",
        "Linux",
        "Ubuntu 22.04 LTS",
        ("Ubuntu-22.04-Dev-r11", "Ubuntu-22.04-Dev-r12", "Ubuntu-22.04-Dev-r13"),
        min_disk=60,
    ),
    Family(
        "callcentre",
        "private",
        "Windows",
        "Windows Server 2019",
        ("WS2019-Callcentre-b71", "WS2019-Callcentre-b74", "WS2019-Callcentre-b78"),
    ),
    Family(
        "kylin",
        "private",
        "Linux",
        "Kylin V10 SP3",
        ("Kylin-V10-Office-a21", "Kylin-V10-Office-a22", "Kylin-V10-Office-a23"),
        architecture="arm",
        min_disk=60,
    ),
    Family(
        "plain",
        "gold",
        "Windows",
        "Windows Server 2022 Datacenter",
        (
            "Windows Server 2022 Datacenter 64bit 20250212",
            "Windows Server 2022 Datacenter 64bit 20250514",
            "Windows Server 2022 Datacenter 64bit 20250813",
        ),
    ),
    Family(
        "design",
        "market",
        "Windows",
        "Windows 10 Enterprise",
        (
            "Render Studio Workstation 3.2",
            "Render Studio Workstation 3.3",
            "Render Studio Workstation 3.4",
        ),
        min_disk=100,
        product_code="OFFI740586375358963717",
    ),
)

# name, image family, kind of pool, weight of its size
DEPARTMENTS = (
    ("fin-office", "office", "DYNAMIC", 1.0),
    ("eng-cad", "cad", "STATIC", 0.7),
    ("callcentre", "callcentre", "DYNAMIC", 2.2),
    ("dev-linux", "dev", "STATIC", 1.1),
    ("hr-office", "office", "DYNAMIC", 0.6),
    ("legal-office", "office", "STATIC", 0.5),
    ("support-l1", "callcentre", "DYNAMIC", 1.6),
    ("qa-lab", "plain", "DYNAMIC", 0.7),
    ("gov-kylin", "kylin", "DYNAMIC", 0.9),
    ("media-design", "design", "STATIC", 0.4),
    ("sales-office", "office", "DYNAMIC", 1.3),
    ("training", "plain", "DYNAMIC", 0.8),
)

PRODUCTS = {
    "office": ("workspace.c2.large.windows", 4, 8192),
    "cad": ("workspace.g6.xlarge.windows", 8, 32768),
    "dev": ("workspace.x1.xlarge.linux", 8, 16384),
    "callcentre": ("workspace.c2.medium.windows", 2, 4096),
    "kylin": ("workspace.k1.large.linux", 4, 8192),
    "plain": ("workspace.c2.large.windows", 4, 8192),
    "design": ("workspace.g6.2xlarge.windows", 16, 65536),
}

GIVEN = (
    "ana",
    "bruno",
    "chen",
    "dina",
    "elif",
    "farid",
    "greta",
    "hiro",
    "ines",
    "jonas",
    "kofi",
    "lena",
    "mei",
    "nadia",
    "omar",
    "petra",
    "quentin",
    "rosa",
    "sven",
    "tariq",
    "ulla",
    "vera",
    "wei",
    "ximena",
    "yusuf",
    "zoe",
)
FAMILY_NAMES = (
    "alvarez",
    "berger",
    "costa",
    "diallo",
    "eriksen",
    "fischer",
    "garcia",
    "huang",
    "ivanov",
    "jansen",
    "kaya",
    "lopez",
    "meyer",
    "nguyen",
    "okafor",
    "patel",
    "rossi",
    "santos",
    "tanaka",
    "vogel",
    "wang",
    "yilmaz",
    "zhang",
)
