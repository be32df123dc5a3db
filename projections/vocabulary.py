"""The closed vocabularies and patterns of events and orders: everything a string in the ledger may be.

Every string is ASCII without quote, backslash or control characters, and is one of three things: a handle,
a word of a closed list, or a registered id. There is no free text. Spec: docs/spec/events.md.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, get_args

from msgspec import Meta, Struct, UnsetType

from projections.moments import first_second, rfc3339_us
from signing.errors import FormatError
from signing.keys import VerifierKey, parse_vkey

MAX_HANDLES: Final = 1_000
MAX_INTEGER: Final = 2**53 - 1
MAX_LIST: Final = 100
ED25519: Final = 1

_HEX: Final = b"0123456789abcdef"
_HANDLE_LENGTHS: Final = {32}

# --- Patterns. `$` would also match before a newline, but no event line holds an escaped character.

_NAME = r"[a-z0-9.-]+(/[a-z0-9._-]+)*"
_ID = r"[a-z0-9][a-z0-9._-]{0,63}"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_DURATION = r"P(?=[0-9T])([0-9]{1,4}Y)?([0-9]{1,4}M)?([0-9]{1,4}W)?([0-9]{1,5}D)?" \
            r"(T(?=[0-9])([0-9]{1,5}H)?([0-9]{1,5}M)?([0-9]{1,5}S)?)?"  # fmt: skip
_VKEY = rf"{_NAME}\+[0-9a-f]{{8}}\+[A-Za-z0-9+/]{{44}}"

Id = Annotated[str, Meta(pattern=f"^{_ID}$", description="registered id")]
EventId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="event id")]
KeyName = Annotated[
    str, Meta(pattern=f"^{_NAME}$", max_length=255, description="name of a key or token, or an origin")
]
Vkey = Annotated[str, Meta(pattern=f"^{_VKEY}$", max_length=310, description="C2SP verifier key")]
OrderId = Annotated[
    str,
    Meta(
        pattern=rf"^{_NAME}/[a-z0-9.-]{{1,64}}$",
        max_length=320,
        description="order id: the authority's key name, a slash, a name of its own",
    ),
]
Reference = Annotated[
    str,
    Meta(
        pattern=rf"^({_ID}|{_NAME}/[a-z0-9.-]{{1,64}})$",
        max_length=320,
        description="registered id or order id",
    ),
]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", description="SHA-256, lower-case hex")]
Nonce = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", description="32 random bytes, lower-case hex")]
# The last digit of 32 bytes in base64 has two spare bits, which must be zero.
Hash = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$", description="32 bytes, base64 with padding")
]
Base64 = Annotated[
    str,
    Meta(
        pattern=r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$",
        min_length=4,
        description="base64 with padding",
    ),
]
Certificate = Annotated[
    Base64, Meta(max_length=8_192, description="X.509 certificate: DER, in base64 with padding")
]
Timestamp = Annotated[
    str,
    Meta(
        pattern=rf"^{_DATE}T{_CLOCK}(\.[0-9]{{1,6}})?Z$",
        description="RFC 3339 time in UTC, at most six fractional digits",
    ),
]
Moment = Annotated[
    str,
    Meta(
        pattern=rf"^{_DATE}(T{_CLOCK}Z)?$", description="UTC date, or RFC 3339 time in UTC in whole seconds"
    ),
]
Date = Annotated[str, Meta(pattern=rf"^{_DATE}$", description="UTC date")]
Duration = Annotated[
    str, Meta(pattern=f"^{_DURATION}$", description="ISO 8601 duration, as P3M, P90D or PT12H")
]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$", description="ISO 4217 code")]
PolicyLine = Annotated[
    str,
    Meta(
        pattern=r"^(witness|group|quorum)( [A-Za-z0-9+/=._-]+)+$",
        max_length=2_000,
        description="line of a C2SP tlog-policy, without a URL",
    ),
]
Territory = Annotated[
    str, Meta(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$", description="ISO 3166-1 alpha-2 or ISO 3166-2 code")
]

Count = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
SampleSize = Annotated[int, Meta(ge=1, le=MAX_INTEGER)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Days = Annotated[int, Meta(ge=0, le=100_000)]


# Shown in the schema and checked in bulk by the functions below: a checked pattern costs a call an item.
Handle = Annotated[str, Meta(extra_json_schema={"pattern": "^[0-9a-f]{32}$"}, description="handle")]
OneHandle = Annotated[str, Meta(pattern="^[0-9a-f]{32}$", description="handle")]
_handles = Meta(min_length=1, max_length=MAX_HANDLES, description="handles, sorted")
Handles = Annotated[tuple[Handle, ...], _handles]
PairedHandles = Annotated[
    tuple[Handle, ...],
    Meta(
        min_length=1, max_length=MAX_HANDLES, description="handles, sorted unless they pair with `artefacts`"
    ),
]

# --- Words

Role = Literal[
    "operator", "admin", "controller", "processor", "recipient", "authority", "auditor", "gateway", "reader"
]
KeyRole = Literal[
    "operator", "admin", "controller", "processor", "recipient", "authority", "auditor", "gateway"
]
TokenRole = Literal["controller", "processor", "recipient", "reader"]
RevocationReason = Literal["compromised", "lost", "superseded", "retired", "other"]
StoreKind = Literal["live", "replica", "cache", "index", "backup", "archive", "model"]
SourceKind = Literal["public_web", "social_media", "subject", "broker", "customer", "other"]
Minor = Literal["yes", "no", "unknown"]
ResidencyBasis = Literal["declared", "registration", "authority", "metadata", "ip", "inference"]
LawfulBasis = Literal["6(1)(a)", "6(1)(b)", "6(1)(c)", "6(1)(d)", "6(1)(e)", "6(1)(f)", "none"]
Art9Condition = Literal[
    "9(2)(a)", "9(2)(b)", "9(2)(c)", "9(2)(d)", "9(2)(e)", "9(2)(f)", "9(2)(g)", "9(2)(h)", "9(2)(i)",
    "9(2)(j)", "none",
]  # fmt: skip
ArtefactKind = Literal["template", "index", "model", "profile"]
Lineage = Literal["each", "all"]
ObjectionGround = Literal["particular_situation", "direct_marketing", "research", "other"]
ErasureMethod = Literal["soft", "clear", "purge", "crypto_erase", "destroy", "retrain"]
ErasureCause = Literal["order", "objection", "request", "retention", "withdrawal", "other"]
DeletionError = Literal[
    "unreachable", "timeout", "permission_denied", "locked", "referenced", "not_found", "conflict", "internal"
]
VerificationMethod = Literal["negative_read", "rescan", "reconcile", "sample"]
ReappearanceCause = Literal["restore", "resync", "recollected", "unknown"]
InventoryMethod = Literal["snapshot", "quiescent", "reconcile"]
EvidenceKind = Literal["receipt", "certificate", "custody", "report", "other"]
CorrectionReason = Literal[
    "wrong_records", "wrong_store", "wrong_value", "wrong_time", "duplicate", "did_not_happen", "other"
]

# The articles of the GDPR that give a data subject a right.
Right = Literal["15", "16", "17", "18", "19", "20", "21", "22"]
DemandedItem = Literal["photo", "id_document", "address", "account", "other"]
DemandGround = Literal["reasonable_doubt", "legal_duty", "security", "routine", "other"]
ExtensionGround = Literal["complexity", "number_of_requests", "other"]
AnswerOutcome = Literal["fulfilled", "partial", "refused", "no_match"]
AnswerGround = Literal[
    "manifestly_unfounded", "excessive", "not_identifiable", "identity_not_proved", "rights_of_others",
    "legal_duty", "legal_claims", "expression", "public_interest", "research", "compelling_grounds", "other",
]  # fmt: skip
RefusalGround = Literal[
    "compelling_grounds",
    "legal_claims",
    "public_interest",
    "identity_not_proved",
    "no_such_processing",
    "other",
]
RecipientOutcome = Literal["erased", "refused", "no_data", "public"]
# Art. 19 knows the first two; a recipient that keeps data says why in the words of Art. 17(3).
Justification = Literal[
    "impossible", "disproportionate_effort", "dissolved", "own_basis", "legal_duty", "legal_claims",
    "expression", "public_interest", "other",
]  # fmt: skip
HoldBasis = Literal["legal_claims", "investigation", "court_order", "legal_duty", "other"]
ExemptionGround = Literal[
    "expression", "legal_duty", "public_interest", "public_health", "research", "legal_claims", "other"
]
SignatoryRole = Literal[
    "chief_executive", "officer", "board", "data_protection_officer", "counsel", "representative", "other"
]
RejectionGround = Literal["insufficient", "contradicted", "incomplete", "late", "not_authorised", "other"]

ObligationType = Literal[
    "erase", "erase_derived", "cease_collecting", "cease_using", "cease_offering", "restrict",
    "answer_subjects", "notify_recipients", "limit_retention", "attest", "independent_assessment",
    "appoint_representative", "pay", "publish",
]  # fmt: skip
ResidencyWhen = Literal["ever", "at_collection", "at_order"]
UnknownResidency = Literal["in_scope", "report", "out_of_scope"]
Anchor = Literal["served", "appeal_expires", "effective"]
Inclusion = Literal["derived", "copies", "recipients", "backups"]
MinimumMethod = Literal["clear", "purge", "crypto_erase", "destroy"]
EvidenceLevel = Literal["E0", "E1", "E2", "E3", "E4"]
Oath = Literal["none", "declaration", "sworn"]
Modality = Literal["absolute", "best_efforts"]
Minors = Literal["any", "only"]
PenaltyPer = Literal["once", "day"]

# ISO 3166-1 alpha-2. The UK is GB; Guernsey, Jersey and the Isle of Man are not GB.
Country = Literal[
    "AD", "AE", "AF", "AG", "AI", "AL", "AM", "AO", "AQ", "AR", "AS", "AT", "AU", "AW", "AX", "AZ", "BA",
    "BB", "BD", "BE", "BF", "BG", "BH", "BI", "BJ", "BL", "BM", "BN", "BO", "BQ", "BR", "BS", "BT", "BV",
    "BW", "BY", "BZ", "CA", "CC", "CD", "CF", "CG", "CH", "CI", "CK", "CL", "CM", "CN", "CO", "CR", "CU",
    "CV", "CW", "CX", "CY", "CZ", "DE", "DJ", "DK", "DM", "DO", "DZ", "EC", "EE", "EG", "EH", "ER", "ES",
    "ET", "FI", "FJ", "FK", "FM", "FO", "FR", "GA", "GB", "GD", "GE", "GF", "GG", "GH", "GI", "GL", "GM",
    "GN", "GP", "GQ", "GR", "GS", "GT", "GU", "GW", "GY", "HK", "HM", "HN", "HR", "HT", "HU", "ID", "IE",
    "IL", "IM", "IN", "IO", "IQ", "IR", "IS", "IT", "JE", "JM", "JO", "JP", "KE", "KG", "KH", "KI", "KM",
    "KN", "KP", "KR", "KW", "KY", "KZ", "LA", "LB", "LC", "LI", "LK", "LR", "LS", "LT", "LU", "LV", "LY",
    "MA", "MC", "MD", "ME", "MF", "MG", "MH", "MK", "ML", "MM", "MN", "MO", "MP", "MQ", "MR", "MS", "MT",
    "MU", "MV", "MW", "MX", "MY", "MZ", "NA", "NC", "NE", "NF", "NG", "NI", "NL", "NO", "NP", "NR", "NU",
    "NZ", "OM", "PA", "PE", "PF", "PG", "PH", "PK", "PL", "PM", "PN", "PR", "PS", "PT", "PW", "PY", "QA",
    "RE", "RO", "RS", "RU", "RW", "SA", "SB", "SC", "SD", "SE", "SG", "SH", "SI", "SJ", "SK", "SL", "SM",
    "SN", "SO", "SR", "SS", "ST", "SV", "SX", "SY", "SZ", "TC", "TD", "TF", "TG", "TH", "TJ", "TK", "TL",
    "TM", "TN", "TO", "TR", "TT", "TV", "TW", "TZ", "UA", "UG", "UM", "US", "UY", "UZ", "VA", "VC", "VE",
    "VG", "VI", "VN", "VU", "WF", "WS", "YE", "YT", "ZA", "ZM", "ZW",
]  # fmt: skip
COUNTRIES: Final = frozenset(get_args(Country))

# The data categories of fideslang 3.1. A category covers those below it: see `covers`.
Category = Literal[
    "system", "system.authentication", "system.operations", "user", "user.account", "user.account.settings",
    "user.account.username", "user.authorization", "user.authorization.biometric",
    "user.authorization.credentials", "user.authorization.password", "user.behavior",
    "user.behavior.browsing_history", "user.behavior.media_consumption", "user.behavior.purchase_history",
    "user.behavior.search_history", "user.biometric", "user.biometric.fingerprint", "user.biometric.health",
    "user.biometric.retinal", "user.biometric.voice", "user.childrens", "user.contact",
    "user.contact.address", "user.contact.address.city", "user.contact.address.country",
    "user.contact.address.postal_code", "user.contact.address.state", "user.contact.address.street",
    "user.contact.email", "user.contact.fax_number", "user.contact.organization",
    "user.contact.phone_number", "user.contact.url", "user.content", "user.content.private",
    "user.content.public", "user.content.self_image", "user.criminal_history", "user.demographic",
    "user.demographic.age_range", "user.demographic.date_of_birth", "user.demographic.gender",
    "user.demographic.language", "user.demographic.marital_status", "user.demographic.political_opinion",
    "user.demographic.profile", "user.demographic.race_ethnicity", "user.demographic.religious_belief",
    "user.demographic.sexual_orientation", "user.device", "user.device.cookie", "user.device.cookie_id",
    "user.device.device_id", "user.device.ip_address", "user.financial", "user.financial.bank_account",
    "user.financial.credit_card", "user.government_id", "user.government_id.birth_certificate",
    "user.government_id.drivers_license_number", "user.government_id.immigration",
    "user.government_id.national_identification_number", "user.government_id.passport_number",
    "user.government_id.vehicle_registration", "user.health_and_medical", "user.health_and_medical.genetic",
    "user.health_and_medical.insurance_beneficiary_id", "user.health_and_medical.record_id",
    "user.job_title", "user.location", "user.location.imprecise", "user.location.precise", "user.name",
    "user.name.first", "user.name.last", "user.payment", "user.privacy_preferences", "user.sensor",
    "user.social", "user.telemetry", "user.unique_id", "user.unique_id.pseudonymous", "user.user_sensor",
    "user.workplace",
]  # fmt: skip
CATEGORIES: Final = frozenset(get_args(Category))


class Data(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """What one type of event says. Fields stand sorted, so that encoding a struct gives canonical JSON."""


class Evidence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document outside the ledger, committed to by its hash."""

    kind: EvidenceKind
    sha256: Sha256


EvidenceList = Annotated[
    tuple[Evidence, ...],
    Meta(min_length=1, max_length=MAX_LIST, description="[evidence](#evidence), sorted by kind and hash"),
]


class FieldError(ValueError):
    """A field that has the right type and a wrong value. `field` is its path within the struct."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


def covers(category: str, other: str) -> bool:
    """Whether `other` is `category` or below it: `user.biometric` covers `user.biometric.voice`."""
    return other == category or other.startswith(category + ".")


def check_handles(handles: tuple[str, ...], field: str = "records") -> None:
    """Raise FieldError unless every item is a handle: 32 lower-case hex digits."""
    if set(map(len, handles)) == _HANDLE_LENGTHS and not "".join(handles).encode().translate(None, _HEX):
        return
    for place, handle in enumerate(handles):
        if len(handle) != 32 or handle.encode().translate(None, _HEX):
            problem = "not a handle, which is 32 lower-case hex digits: use `writ blind`"
            raise FieldError(f"{field}[{place}]", problem)


def check_handle_set(handles: tuple[str, ...], field: str = "records") -> None:
    """Raise FieldError unless the handles are well-formed, sorted and distinct."""
    check_handles(handles, field)
    check_sorted(handles, field)


def check_sorted(values: Sequence[Any], field: str) -> None:
    """Raise FieldError unless the values rise strictly: a set has one way to be written."""
    # Sorting what is sorted already costs a comparison an item, and runs in C; so does the set.
    if len(values) < 2 or (sorted(values) == list(values) and len(set(values)) == len(values)):
        return
    for place in range(1, len(values)):
        if values[place - 1] >= values[place]:
            repeated = values[place - 1] == values[place]
            problem = "repeats the item before it" if repeated else "sorts before the item before it"
            raise FieldError(f"{field}[{place}]", f"{problem}: give the items sorted and without repeats")


def check_territories(territories: tuple[str, ...], field: str) -> None:
    """Raise FieldError unless the codes are sorted, distinct and begin with countries of ISO 3166-1."""
    for place, code in enumerate(territories):
        check_territory(code, f"{field}[{place}]")
    check_sorted(territories, field)


def check_territory(code: str, field: str) -> None:
    """Raise FieldError unless the code begins with a country of ISO 3166-1.

    Whether the country has such a subdivision is not asked: ISO 3166-2 changes every year, and a verifier
    that knows another year's list would call an old line no event.
    """
    if code[:2] not in COUNTRIES:
        raise FieldError(field, f"{code[:2]} is not a country of ISO 3166-1 (the UK is GB)")


def check_vkey(text: str, field: str) -> VerifierKey:
    """Raise FieldError unless the text is an Ed25519 verifier key whose id and curve point are right."""
    try:
        key = parse_vkey(text)
    except FormatError as error:
        raise FieldError(field, str(error)) from None
    if key.algorithm != ED25519:
        raise FieldError(field, "is a witness's key, which signs checkpoints only: give an Ed25519 key")
    return key


def check_time(time: str | UnsetType, field: str) -> None:
    """Raise FieldError when the calendar has no such time (a leap second counts as the second before it)."""
    if isinstance(time, UnsetType):
        return
    try:
        rfc3339_us(time)
    except ValueError as error:
        raise FieldError(field, f"{time} is not in the calendar: {error}") from None


def check_moment(moment: str | UnsetType, field: str) -> None:
    """Raise FieldError when the calendar has no such date or time."""
    if isinstance(moment, UnsetType):
        return
    try:
        first_second(moment)
    except ValueError as error:
        raise FieldError(field, f"{moment} is not in the calendar: {error}") from None


def check_evidence(evidence: tuple[Evidence, ...] | UnsetType, field: str = "evidence") -> None:
    """Raise FieldError unless the pieces are sorted by kind and hash, and distinct."""
    if isinstance(evidence, UnsetType):
        return
    check_sorted([(piece.kind, piece.sha256) for piece in evidence], field)
