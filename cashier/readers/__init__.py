"""Card readers on serial and USB. Until one is driven from here, settings name the gateway's own."""
