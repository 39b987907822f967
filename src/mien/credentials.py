"""C2PA content credentials: signing what mien writes, where somebody has a certificate, and reading what files carry.

The manifest says what the XMP says: IPTC's digital source type, and mien's record of the step. It holds no picture of
the face as it was. Nothing here uses the network: no time stamp is asked for, so a signature counts as long as its
certificate does; no remote manifest or revocation list is fetched. Extra `c2pa` (c2pa-python).
"""

from __future__ import annotations

import io
import json
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mien import __version__
from mien.errors import MienError

SETTINGS = "MIEN_C2PA"
"""Environment variable that names a settings file; else c2pa.toml in mien's folder of the user's configuration."""

LABEL = "org.mien.provenance"
"""Of the assertion that holds mien's record."""

TYPES = {
    "JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "TIFF": "image/tiff", "GIF": "image/gif",
    "mp4": "video/mp4", "mov": "video/quicktime",
}  # fmt: skip

_QUIET = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": True},
    "builder": {"thumbnail": {"enabled": False}},
}


_CREATED = "COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA"
"""What is said of a file whose input is none, an array of pixels, or of a kind that has no credentials."""


@dataclass(frozen=True)
class Credentials:
    """A certificate chain (PEM, the signer's first) and its private key (PEM, no password). Make one with `load`."""

    chain: str
    key: str = field(repr=False)
    algorithm: str  # es256, es384, es512, ps256 or ed25519

    def sign(
        self, data: bytes, form: str, step: dict[str, Any], source_type: str | None, parent: Path | None = None
    ) -> bytes:
        """A file of `form` (a key of `TYPES`), signed. parent: the file it was made of; its manifest goes along."""
        if form not in TYPES:
            return data  # a BMP can hold none
        signed = io.BytesIO()
        self._sign(io.BytesIO(data), signed, form, step, source_type, parent)
        return signed.getvalue()

    def sign_file(
        self,
        path: Path,
        signed: Path,
        form: str,
        step: dict[str, Any],
        source_type: str | None,
        parent: Path | None = None,
    ) -> None:
        """Write a signed copy of a file of `form`; see `sign`."""
        with path.open("rb") as before, signed.open("xb+") as after:
            self._sign(before, after, form, step, source_type, parent)

    def _sign(
        self, source: Any, target: Any, form: str, step: dict[str, Any], source_type: str | None, parent: Path | None
    ) -> None:
        c2pa = _library()
        action: dict[str, Any] = {"action": "c2pa.edited" if step.get("edited") else "c2pa.repackaged"}
        if source_type and step.get("edited"):
            action["digitalSourceType"] = source_type
        manifest = {
            "claim_generator_info": [{"name": "mien", "version": __version__}],
            "title": f"{step.get('made', 'edit')} by mien",
            "assertions": [
                {"label": "c2pa.actions", "data": {"actions": [action]}},
                {
                    "label": LABEL,
                    "data": {"record": json.dumps({"edits": [step]})},
                },  # as text: lists of numbers get lost
            ],
        }
        try:
            settings = c2pa.Settings.from_dict(_QUIET)
            signer = c2pa.Signer.from_info(
                c2pa.C2paSignerInfo(self.algorithm, self.chain.encode(), self.key.encode(), None)
            )
            with c2pa.Context(settings, signer) as context, c2pa.Builder(manifest, context) as builder:
                parent_type = _type_of(parent) if parent is not None else None
                if parent is not None and parent_type is not None:
                    builder.set_intent(c2pa.C2paBuilderIntent.EDIT)  # says c2pa.opened of the parent
                    with parent.open("rb") as file:
                        builder.add_ingredient({"title": "input", "relationship": "parentOf"}, parent_type, file)
                else:
                    builder.set_intent(c2pa.C2paBuilderIntent.CREATE, c2pa.C2paDigitalSourceType[_CREATED])
                builder.sign(TYPES[form], source, target)
        except c2pa.C2paError as error:
            raise MienError(f"cannot sign with this certificate: {_plain(error)}") from None


def load(certificate: Path | None = None, key: Path | None = None) -> Credentials | None:
    """Credentials of two PEM files, or else of the settings file (`certificate`, `key`); None if there is none."""
    if certificate is None and key is None:
        found = _settings()
        if found is None:
            return None
        certificate, key = found
    if certificate is None or key is None:
        raise MienError("a C2PA signature needs both --c2pa-cert and --c2pa-key")
    c2pa = _library()
    chain, private = (_text(path) for path in (certificate, key))
    made = Credentials(chain, private, _algorithm(chain, private, certificate, key))
    try:
        c2pa.Signer.from_info(c2pa.C2paSignerInfo(made.algorithm, chain.encode(), private.encode(), None)).close()
    except c2pa.C2paError as error:
        raise MienError(f"cannot sign with {certificate}: {_plain(error)}") from None
    # a trial now, or an unfit certificate would be found only after the work
    made.sign(_tiny(), "PNG", {"edited": False}, None)
    return made


def read(path: Path) -> dict[str, Any] | None:
    """What the C2PA manifest of a file says, None if it has none or c2pa-python is not installed.

    `state`: "Trusted", "Valid" (sound, signed by somebody unknown) or "Invalid"; `signed_by`, `generator`, `actions`,
    `problems`. A `MienError` if it is there and cannot be read.
    """
    try:
        c2pa = _library()
    except MienError:
        return None
    form = _type_of(path)
    if form is None:
        return None
    try:
        with path.open("rb") as file, c2pa.Context(c2pa.Settings.from_dict(_QUIET)) as context:
            reader = c2pa.Reader.try_create(form, file, context=context)
            if reader is None:
                return None
            with reader:
                told = json.loads(reader.json())
    except (c2pa.C2paError, ValueError) as error:
        raise MienError(f"the content credentials of {path} cannot be read: {_plain(error)}") from None
    return _said(told)


def _said(told: dict[str, Any]) -> dict[str, Any]:
    active = told.get("manifests", {}).get(told.get("active_manifest"), {})
    signature = active.get("signature_info") or {}
    actions = [
        {key: one[key] for key in ("action", "digitalSourceType") if key in one}
        for assertion in active.get("assertions", ())
        if str(assertion.get("label", "")).startswith("c2pa.actions")
        for one in assertion.get("data", {}).get("actions", ())
    ]
    records = [a.get("data") for a in active.get("assertions", ()) if str(a.get("label", "")).startswith(LABEL)]
    return {
        "state": told.get("validation_state"),
        "signed_by": signature.get("common_name") or signature.get("issuer"),
        "issuer": signature.get("issuer"),
        "generator": [one.get("name") for one in active.get("claim_generator_info") or () if isinstance(one, dict)],
        "actions": actions,
        "edits": [edit for one in records for edit in _edits(one)],
        "problems": sorted({one["code"] for one in told.get("validation_status") or () if "code" in one}),
    }


def _edits(data: Any) -> list[Any]:
    try:
        return list(json.loads(data["record"])["edits"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return []  # not of mien


def _library() -> Any:
    try:
        import c2pa
    except ImportError:
        raise MienError("content credentials need c2pa-python: pip install 'mien[c2pa]'") from None
    return c2pa


def _settings() -> tuple[Path, Path] | None:
    named = os.environ.get(SETTINGS)
    if named:
        path = Path(named)
    else:
        import platformdirs

        path = Path(platformdirs.user_config_dir("mien")) / "c2pa.toml"
        if not path.is_file():
            return None
    try:
        told = tomllib.loads(path.read_text())
        return tuple(path.parent / Path(told[name]).expanduser() for name in ("certificate", "key"))  # type: ignore[return-value]
    except OSError as error:
        raise MienError(f"cannot read the C2PA settings {path}: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError):
        raise MienError(f"the C2PA settings {path} need two lines: certificate = 'FILE' and key = 'FILE'") from None


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except OSError as error:
        raise MienError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise MienError(f"{path} is not a PEM file") from None


def _algorithm(chain: str, key: str, certificate_path: Path, key_path: Path) -> str:
    """Which signature the key makes; a `MienError` if it is not the certificate's key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    try:
        certificate = x509.load_pem_x509_certificates(chain.encode())[0]
    except (ValueError, IndexError):
        raise MienError(f"{certificate_path} holds no certificate in PEM") from None
    try:
        private = serialization.load_pem_private_key(key.encode(), None)
    except TypeError:
        raise MienError(f"the key {key_path} has a password; write it without one, readable by you alone") from None
    except Exception:  # what cryptography raises here depends on the damage
        raise MienError(f"{key_path} holds no private key in PEM") from None
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    try:
        public = certificate.public_key().public_bytes(*form)
    except Exception:  # likewise
        raise MienError(f"the first certificate in {certificate_path} has no public key that can be read") from None
    if public != private.public_key().public_bytes(*form):
        raise MienError(f"{key_path} is not the key of the first certificate in {certificate_path}")
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(private, rsa.RSAPrivateKey):
        return "ps256"
    curves = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in curves:
        return curves[private.curve.name]
    raise MienError(f"C2PA has no signature for the kind of key in {key_path}")


def _tiny() -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    return buffer.getvalue()


def _type_of(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(16)
    return _sniffed(head)


def _sniffed(head: bytes) -> str | None:
    if head[:3] == b"\xff\xd8\xff":
        return TYPES["JPEG"]
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return TYPES["PNG"]
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return TYPES["WEBP"]
    if head[:4] in (b"II*\0", b"MM\0*"):
        return TYPES["TIFF"]
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return TYPES["GIF"]
    if head[4:8] == b"ftyp":
        return TYPES["mov" if head[8:12] == b"qt  " else "mp4"]
    return None


def _plain(error: object) -> str:
    return "".join(c if c.isprintable() else " " for c in str(error))[:300]
