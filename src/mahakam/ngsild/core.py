"""The core @context of NGSI-LD as data (ETSI GS CIM 009 v1.9.1 Annex B, which holds those before)."""

from __future__ import annotations

import re

NGSI_LD = "https://uri.etsi.org/ngsi-ld/"
DEFAULT_VOCABULARY = "https://uri.etsi.org/ngsi-ld/default-context/"
CORE_URL = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld"
"""The URL that answers name; every version is recognised in requests (:func:`is_core`)."""

NULL = "urn:ngsi-ld:null"
"""The NGSI-LD Null (clause 4.5.0): what a patch says to remove something."""

_GEOJSON = "https://purl.org/geojson/vocab#"
_SAME = """
Attribute AttributeList ContextSourceIdentity ContextSourceNotification ContextSourceRegistration Date
DateTime EntityType EntityTypeInfo EntityTypeList ExecutionResultDetails GeoProperty JsonProperty
LanguageProperty ListProperty ListRelationship Notification Property Relationship Snapshot
SnapshotNotification Subscription TemporalProperty Time VocabProperty accept aggrParams aggrMethods
aggrPeriodDuration attributeList attributeName attributeNames attributeTypes attributes attrs avg
cacheDuration collation contextSourceAlias contextSourceExtras contextSourceInfo contextSourceTimeAt
contextSourceUptime cooldown createdAt csf data datasetId deletedAt detail distinctCount endAt endTimeAt
endpoint entities entity entityCount entityId entityIdSealed
entityList entityTypeSealed error errors expandValues expiresAt format geoQ
geoproperty georel idPattern information instanceId isActive join jsonKeys jsons lang lastFailure
lastNotification lastSuccess lastUsedAt linkedMaps localOnly location management managementInterval max min
mode modifiedAt ngsildproof notification notificationTrigger notifiedAt notifierInfo notUpdated
observationInterval observationSpace observedAt omit operationSpace operations orderBy ordering pick
problemDetails propertyNames q reason receiverInfo refreshRate registrationId registrationName
relationshipNames resultStatus scope scopeQ showChanges snapshotId snapshotLifetime snapshotPriority
snapshotQueries snapshotQueriesDetails snapshotStatus snapshotTemporalQueries snapshotTemporalQueriesDetails
startAt status stddev subscriptionId subscriptionName success sum sumsq sysAttrs temporalQ tenant throttling
timeAt timeInterval timeout timeproperty timerel timesFailed timesSent totalCount triggerReason typeList
typeName typeNames unchanged unitCode updated uri watchedAttributes
""".split()  # noqa: SIM905
_OTHERS = {
    "containedBy": "isContainedBy",
    "dataset": "hasDataset",
    "entityMap": "hasEntityMap",
    "joinLevel": "hasJoinLevel",
    "json": "hasJSON",
    "key": "hasKey",
    "languageMap": "hasLanguageMap",
    "languageMaps": "hasLanguageMaps",
    "object": "hasObject",
    "objectList": "hasObjectList",
    "objectLists": "hasObjectLists",
    "objectType": "hasObjectType",
    "objects": "hasObjects",
    "previousJson": "hasPreviousJson",
    "previousLanguageMap": "hasPreviousLanguageMap",
    "previousObject": "hasPreviousObject",
    "previousObjectList": "hasPreviousObjectList",
    "previousValue": "hasPreviousValue",
    "previousValueList": "hasPreviousValueList",
    "previousVocab": "hasPreviousVocab",
    "value": "hasValue",
    "valueList": "hasValueList",
    "valueLists": "hasValueLists",
    "valueType": "hasValueType",
    "values": "hasValues",
    "vocab": "hasVocab",
    "vocabs": "hasVocabs",
}
_GEO = """
Feature FeatureCollection GeometryCollection LineString MultiLineString MultiPoint MultiPolygon Point
Polygon bbox coordinates features geometry properties
""".split()  # noqa: SIM905

CORE_TERMS: dict[str, str] = {
    **{term: NGSI_LD + term for term in _SAME},
    **{term: NGSI_LD + name for term, name in _OTHERS.items()},
    **{term: _GEOJSON + term for term in _GEO},
    "description": "http://purl.org/dc/terms/description",
    "title": "http://purl.org/dc/terms/title",
    "langString": "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString",
}
CORE_PREFIXES = {"ngsi-ld": NGSI_LD, "geojson": _GEOJSON}
CORE_NAMES: dict[str, str] = {iri: term for term, iri in CORE_TERMS.items()}

_CORE = re.compile(
    r"https?://uri\.etsi\.org/ngsi-ld/(v\d[\w.]*/)?ngsi-ld-core-context(-v\d+(\.\d+)*)?\.jsonld"
)


def is_core(url: str) -> bool:
    """Whether a @context URL names the core context, of any version."""
    return _CORE.fullmatch(url) is not None


def canonical(iri: str) -> str:
    """The canonical name of an IRI: compacted with the core context (``docs/design.md`` section 11)."""
    term = CORE_NAMES.get(iri)
    if term is not None:
        return term
    if iri.startswith(DEFAULT_VOCABULARY):
        rest = iri[len(DEFAULT_VOCABULARY) :]
        if rest and ":" not in rest and "/" not in rest and rest not in CORE_TERMS:
            return rest
    return iri


def absolute(name: str) -> str:
    """The whole IRI of a canonical name."""
    if ":" in name:
        return name
    return CORE_TERMS.get(name) or DEFAULT_VOCABULARY + name
