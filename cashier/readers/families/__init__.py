"""The families of readers that can be asked what they are, one file each."""

from cashier.readers.families import (
    idtech_itp,
    idtech_neo,
    idtech_nga,
    ingenico_rba,
    magtek_mms,
    pax_poslink,
    siso_pinpad,
    verifone_vipa,
)
from cashier.readers.family import Family

FAMILIES: tuple[Family, ...] = (
    idtech_neo.FAMILY,
    idtech_itp.FAMILY,
    idtech_nga.FAMILY,
    pax_poslink.FAMILY,
    magtek_mms.FAMILY,
    verifone_vipa.FAMILY,
    siso_pinpad.FAMILY,
    ingenico_rba.FAMILY,
)


def family_named(name: str) -> Family | None:
    """The family of a name such as `idtech_neo`, or None."""
    return next((family for family in FAMILIES if family.name == name), None)
