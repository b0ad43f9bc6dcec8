"""Operations toolkit for Huawei Cloud Workspace desktop pools."""

__version__ = "0.1.0"
