"""The HTTP binding of NGSI-LD (ETSI GS CIM 009 clause 6)."""
