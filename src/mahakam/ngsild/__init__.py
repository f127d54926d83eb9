"""The information model of NGSI-LD (ETSI GS CIM 009 v1.8.1), pure: no I/O, no clock, no database."""
