"""The one place where environment variables are read.

Every setting an operator can give is a field of `Environment`; a wrong value stops the
start with a sentence that names the variable and the mend (docs/operations.md).
"""

from __future__ import annotations

import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from .mail import LOOPBACK, ImapAccount, address_of, default_sender, parse_imap

ROOT = Path(__file__).resolve().parents[2]
SITES = ("all", "public", "staff")
STAGES = ("development", "production")
MAIL_INTAKE = ("automatic", "clerk")
# Steps of a review whose limits can be set, with the most working days (review.step_limits; settings import no app).
REVIEW_STEPS = {"screening": 2, "material": 365, "check": 365, "conclusion": 15, "notice": 365, "rectification": 365}
# Passwords that come with images, guides and tutorials; the name of the user counts too.
KNOWN_PASSWORDS = {"postgres", "password", "huiyin", "admin", "root", "secret", "changeme", "123456"}


@dataclass(frozen=True)
class Environment:
    stage: str
    site: str
    data: Path
    secret_key: str
    field_keys: list[str]
    allowed_hosts: list[str]
    database: dict
    storage: Path | None
    redis_url: str
    email: dict
    mail_from: str
    mail_reply_to: str
    imap: ImapAccount | None
    mail_intake: str
    scanner: str | tuple[str, int] | None
    sms: str
    notify_urls: list[str]
    notify_internal: frozenset[str]
    connector_hosts: frozenset[str]
    assistant: str
    support: str
    training: bool
    public_base_url: str
    trusted_proxies: int
    review_step_days: dict[str, int]
    challenge_per_address: int
    challenge_per_site: int
    demo_allowed: bool

    @property
    def production(self) -> bool:
        return self.stage == "production"


def read() -> Environment:
    """Read and check every variable. Raises ImproperlyConfigured naming the first wrong one."""
    env = environ.Env()
    stage = _one_of(env, "HUIYIN_ENV", STAGES, "development")
    site = _one_of(env, "HUIYIN_SITE", SITES, "all")
    production = stage == "production"
    training = _training(env, production=production)
    data = Path(env.str("HUIYIN_DATA", default=str(ROOT / ("var-training" if training else "var")))).resolve()
    secret_key = env.str("SECRET_KEY", default="")
    field_keys = env.list("HUIYIN_FIELD_KEYS", default=[])
    allowed_hosts = env.list("ALLOWED_HOSTS", default=[])
    if production:
        _check_production(secret_key, field_keys, allowed_hosts, debug=env.str("DEBUG", default=""))
    else:
        kept = _development_secrets(data) if not (secret_key and field_keys) else {}
        secret_key = secret_key or kept["secret_key"]
        field_keys = field_keys or kept["field_keys"]
        allowed_hosts = allowed_hosts or ["localhost", "127.0.0.1", "[::1]", "testserver"]
    for key in field_keys:
        try:
            Fernet(key)
        except ValueError as error:
            raise ImproperlyConfigured(
                "HUIYIN_FIELD_KEYS holds a value that is not a Fernet key (32 bytes, url-safe base64). Make one with: "
                "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
            ) from error
    database = _database(env, data)
    if production:
        _check_production_database(database)
    redis_url = env.str("REDIS_URL", default="")
    if redis_url and not redis_url.startswith(("redis://", "rediss://", "unix://")):
        raise ImproperlyConfigured("REDIS_URL must start with redis://, rediss:// or unix://.")
    if production and not redis_url:
        raise ImproperlyConfigured(
            "REDIS_URL is missing; production workers need a broker, e.g. redis://127.0.0.1:6379/0."
        )
    public_base_url = _public_base_url(env, allowed_hosts if production else [])
    mail_from = _mail_from(env, default=default_sender(public_base_url))
    return Environment(
        stage=stage,
        site=site,
        data=data,
        secret_key=secret_key,
        field_keys=field_keys,
        allowed_hosts=allowed_hosts,
        database=database,
        storage=_storage(env),
        redis_url=redis_url,
        # Practice stays on this machine, whatever else is set: mails are printed, nobody outside is told.
        email=env.email_url_config("consolemail://")
        if training
        else _email(env, default="consolemail://" if production else f"filemail://{data / 'mail'}"),
        mail_from=mail_from,
        mail_reply_to=_mail_reply_to(env, default=f"reply+TOKEN@{address_of(mail_from).partition('@')[2]}"),
        imap=None if training else _imap(env),
        mail_intake=_one_of(env, "HUIYIN_MAIL_INTAKE", MAIL_INTAKE, "automatic"),
        scanner=_scanner(env),
        sms="" if training else _sms(env),
        notify_urls=[] if training else _notify_urls(env),
        notify_internal=frozenset(_words(env.str("HUIYIN_NOTIFY_INTERNAL", default="").lower())),
        connector_hosts=frozenset(_words(env.str("HUIYIN_CONNECTOR_HOSTS", default="").lower())),
        assistant="" if training else _assistant(env),
        support=_support(env),
        training=training,
        public_base_url=public_base_url,
        trusted_proxies=_trusted_proxies(env, default=1 if production else 0),
        review_step_days=_step_days(env),
        challenge_per_address=_count(env, "HUIYIN_CHALLENGE_ADDRESS", 60),
        challenge_per_site=_count(env, "HUIYIN_CHALLENGE_SITE", 2000),
        demo_allowed=not production,
    )


def _one_of(env: environ.Env, name: str, choices: tuple[str, ...], default: str) -> str:
    value = env.str(name, default=default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name}={value!r} is not known; use one of: {', '.join(choices)}.")
    return value


def _database(env: environ.Env, data: Path) -> dict:
    url = env.str("DATABASE_URL", default="") or f"sqlite:///{data / 'huiyin.sqlite3'}"
    try:
        if not url.startswith(("postgres://", "postgresql://", "sqlite:///")):
            raise ValueError("unknown scheme")
        database = env.db_url_config(url)
        if not database["NAME"]:
            raise ValueError("no database name")
    except ValueError as error:
        raise ImproperlyConfigured(
            f"DATABASE_URL cannot be read ({error}); write postgres://user:password@host:5432/name"
        ) from error
    return database


def _storage(env: environ.Env) -> Path | None:
    """The folder of stored files; None means `files` in the data folder. The address may hold a key: never shown."""
    url = env.str("HUIYIN_STORAGE_URL", default="")
    if not url:
        return None
    path = Path(unquote(url.removeprefix("file://")))
    if not url.startswith("file:///") or "?" in url or "#" in url:
        raise ImproperlyConfigured(
            "HUIYIN_STORAGE_URL cannot be used; write file:///srv/huiyin/files (a folder with its full path). "
            "Other kinds of storage, such as s3://, are not supported: mount them as a folder."
        )
    if path == Path("/") or (path.exists() and not path.is_dir()):
        raise ImproperlyConfigured(f"HUIYIN_STORAGE_URL must name a folder of its own; {path} is not one.")
    return path.resolve()


def _email(env: environ.Env, *, default: str) -> dict:
    try:
        email = env.email_url("EMAIL_URL", default=default)
    except (ValueError, ImproperlyConfigured) as error:
        raise ImproperlyConfigured("EMAIL_URL cannot be read; write smtp+tls://user:password@host:587") from error
    if email["EMAIL_FILE_PATH"]:  # django-environ drops the first slash of filemail:///folder
        email["EMAIL_FILE_PATH"] = "/" + email["EMAIL_FILE_PATH"].lstrip("/")
    return email


def _mail_from(env: environ.Env, *, default: str) -> str:
    value = env.str("HUIYIN_MAIL_FROM", default=default)
    try:
        address_of(value)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"HUIYIN_MAIL_FROM cannot be used ({error}); write tousu@example.cn or Name <tousu@example.cn>."
        ) from error
    return value


def _mail_reply_to(env: environ.Env, *, default: str) -> str:
    value = env.str("HUIYIN_MAIL_REPLY_TO", default=default)
    try:
        if address_of(value) != value:
            raise ValueError("give the address alone")
        if len(value.partition("@")[0]) > 24:
            raise ValueError("the part before the @ leaves no room for the token")
    except ValueError as error:
        raise ImproperlyConfigured(
            f"HUIYIN_MAIL_REPLY_TO cannot be used ({error}); write reply+TOKEN@example.cn."
        ) from error
    return value


def _imap(env: environ.Env) -> ImapAccount | None:
    url = env.str("HUIYIN_IMAP_URL", default="")
    try:
        return parse_imap(url) if url else None
    except ValueError as error:
        raise ImproperlyConfigured(
            f"HUIYIN_IMAP_URL cannot be read ({error}); write imaps://user:password@host:993/INBOX."
        ) from None


def _scanner(env: environ.Env) -> str | tuple[str, int] | None:
    """Where the ClamAV daemon listens: the path of a Unix socket, or host and port; None without a scanner."""
    url = env.str("HUIYIN_SCANNER_URL", default="")
    if not url:
        return None
    parts = urlsplit(url)
    try:
        if parts.scheme == "clamd" and parts.hostname and parts.port and parts.path in ("", "/"):
            return parts.hostname, parts.port
    except ValueError:  # the port is no number
        pass
    else:
        if parts.scheme == "clamd" and not parts.netloc and len(parts.path) > 1:
            return parts.path
    raise ImproperlyConfigured(
        f"HUIYIN_SCANNER_URL={url!r} cannot be read; write clamd://127.0.0.1:3310 or clamd:///run/clamav/clamd.ctl."
    )


def _sms(env: environ.Env) -> str:
    """Where short messages are handed over; '' without a gateway. It may hold a token, so it is never shown."""
    url = env.str("HUIYIN_SMS_URL", default="")
    if not url or _is_gateway(url):
        return url
    raise ImproperlyConfigured(
        "HUIYIN_SMS_URL cannot be used; write https://sms.example.cn/send (http:// only to this machine, no user or "
        "password before the host)."
    )


def _assistant(env: environ.Env) -> str:
    """The service that answers what the public articles do not; '' without one. It may hold a token: never shown."""
    url = env.str("HUIYIN_ASSISTANT_URL", default="")
    if not url or _is_gateway(url):
        return url
    raise ImproperlyConfigured(
        "HUIYIN_ASSISTANT_URL cannot be used; write https://assistant.example.cn/ask (http:// only to this machine, no "
        "user or password before the host)."
    )


def _support(env: environ.Env) -> str:
    """The page where staff find help for themselves; '' without one. Staff read it, so it holds no secret."""
    url = env.str("HUIYIN_SUPPORT_URL", default="")
    if not url or _is_gateway(url):
        return url
    raise ImproperlyConfigured(
        "HUIYIN_SUPPORT_URL cannot be used; write https://care.example.cn/ (http:// only to this machine, no user or "
        "password before the host)."
    )


def _is_gateway(url: str) -> bool:
    """Whether an address is https, or http to this machine, without a user in it."""
    try:
        parts = urlsplit(url)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        return bool(
            is_safe and parts.hostname and "@" not in parts.netloc and parts.port != 0 and re.fullmatch("[!-~]+", url)
        )
    except ValueError:  # the port is no number
        return False


def _training(env: environ.Env, *, production: bool) -> bool:
    """Whether this is an installation for practice: data of its own, and nothing leaves it (KB-15)."""
    value = env.str("HUIYIN_TRAINING", default="").strip().lower()
    if value not in ("", "0", "1"):
        raise ImproperlyConfigured(f"HUIYIN_TRAINING={value!r} is not known; write 1 for the training mode.")
    if value != "1":
        return False
    if production:
        raise ImproperlyConfigured("HUIYIN_TRAINING=1 is for practice; it cannot run with HUIYIN_ENV=production.")
    if env.str("DATABASE_URL", default=""):
        raise ImproperlyConfigured("HUIYIN_TRAINING=1 uses a database of its own; take DATABASE_URL away.")
    if env.str("REDIS_URL", default=""):
        raise ImproperlyConfigured("HUIYIN_TRAINING=1 uses a queue of its own; take REDIS_URL away.")
    if env.str("HUIYIN_STORAGE_URL", default=""):
        raise ImproperlyConfigured("HUIYIN_TRAINING=1 keeps its own files; take HUIYIN_STORAGE_URL away.")
    return True


def _notify_urls(env: environ.Env) -> list[str]:
    """Where chat groups are told what presses. The addresses hold tokens: a wrong one is named by its position."""
    urls = list(dict.fromkeys(_words(env.str("HUIYIN_NOTIFY_URLS", default=""))))
    if urls:
        from complaints import chat_targets  # apprise takes a moment to load and is needed with addresses only

        for position, url in enumerate(urls, start=1):
            try:
                chat_targets.read(url)
            except ValueError as error:
                raise ImproperlyConfigured(
                    f"HUIYIN_NOTIFY_URLS: address {position} of {len(urls)} cannot be used ({error}); write "
                    "dingtalk://token, feishu://token, wecombot://key or jsons://host/path, separated by spaces."
                ) from None
    return urls


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,]+", text) if word]


def _public_base_url(env: environ.Env, hosts: list[str]) -> str:
    """The address in mails, feeds and posters; without one, the first host of this site."""
    default = f"https://{hosts[0].lstrip('.')}" if hosts else "http://127.0.0.1:8000"
    url = env.str("HUIYIN_PUBLIC_URL", default=default).rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise ImproperlyConfigured(f"HUIYIN_PUBLIC_URL={url!r} must start with https:// (or http://).")
    return url


def _trusted_proxies(env: environ.Env, *, default: int) -> int:
    value = env.str("HUIYIN_TRUSTED_PROXIES", default=str(default))
    if not (value.isascii() and value.isdigit()):
        raise ImproperlyConfigured(f"HUIYIN_TRUSTED_PROXIES={value!r} must be the number of proxies in front, e.g. 1.")
    return int(value)


def _count(env: environ.Env, name: str, default: int) -> int:
    value = env.str(name, default=str(default))
    if not (value.isascii() and value.isdigit()):
        raise ImproperlyConfigured(f"{name}={value!r} must be a number of complaints an hour, e.g. {default}.")
    return int(value)


def _step_days(env: environ.Env) -> dict[str, int]:
    """Working days by step of a review, from check=10,notice=2."""
    found = {}
    for part in _words(env.str("HUIYIN_REVIEW_STEP_DAYS", default="")):
        step, _sign, days = part.partition("=")
        most = REVIEW_STEPS.get(step, 0)
        if not (days.isascii() and days.isdigit()) or len(days) > 3 or not 1 <= int(days) <= most:
            limits = ", ".join(f"{name} (1 to {limit})" for name, limit in REVIEW_STEPS.items())
            raise ImproperlyConfigured(
                f"HUIYIN_REVIEW_STEP_DAYS holds {part!r}; write steps with their working days, e.g. check=10,notice=2. "
                f"Steps: {limits}."
            )
        found[step] = int(days)
    return found


def _check_production_database(database: dict) -> None:
    if database["ENGINE"].endswith("sqlite3"):
        raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL database when HUIYIN_ENV=production.")
    password = database.get("PASSWORD") or ""
    if password and password.lower() in KNOWN_PASSWORDS | {database["USER"].lower()}:
        raise ImproperlyConfigured(
            "DATABASE_URL holds a password that anybody would guess; give the database user another."
        )


def _check_production(secret_key: str, field_keys: list[str], allowed_hosts: list[str], *, debug: str) -> None:
    if debug.strip().lower() not in ("", "0", "false", "no", "off"):
        raise ImproperlyConfigured(
            "DEBUG must not be set when HUIYIN_ENV=production; error pages would show private data."
        )
    if len(secret_key) < 50 or len(set(secret_key)) < 10 or secret_key.startswith("django-insecure-"):
        raise ImproperlyConfigured(
            "SECRET_KEY must be set to at least 50 random characters when HUIYIN_ENV=production."
        )
    if not field_keys:
        raise ImproperlyConfigured(
            "HUIYIN_FIELD_KEYS is missing; contact data cannot be stored without an encryption key."
        )
    if not allowed_hosts or "*" in allowed_hosts:
        raise ImproperlyConfigured("ALLOWED_HOSTS must list the host names of this site; * is refused in production.")


def _development_secrets(data: Path) -> dict:
    """Random keys made on the first start and kept beside the data they protect."""
    path = data / "secrets.json"
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
        made = {"secret_key": secrets.token_urlsafe(50), "field_keys": [Fernet.generate_key().decode()]}
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(made, out)
    return json.loads(path.read_text(encoding="utf-8"))
