"""The files that make a machine run a node: systemd units and the environment they share."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

UNITS = Path("/etc/systemd/system")
_HARD = """\
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths={writes}
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
CapabilityBoundingSet=
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
RemoveIPC=yes
UMask=0027
"""
"""What a node needs not do, so that who breaks into it cannot do it either (systemd.exec(5))."""


@dataclass(frozen=True, slots=True)
class Plan:
    """``program``: the ``mahakam`` that the units start; ``backups``: folder of a daily backup, None for none."""

    program: Path
    user: str
    data: Path
    config: Path
    host: str
    port: int
    backups: Path | None = None

    @property
    def environment_file(self) -> Path:
        return self.config / "mahakam.env"


def units(plan: Plan) -> Mapping[str, str]:
    """Name of each unit → its text. The server starts and restarts by itself; feeds run when they are due."""
    found = {
        "mahakam.service": _service(
            plan, "Mahakam: the city's node", "serve", "network-online.target", (plan.data,),
            "Restart=always\nRestartSec=2\nTimeoutStopSec=45\n",
        ),
        "mahakam-feeds.service": _service(
            plan, "Mahakam: feeds that are due", "feed due --watch", "network-online.target mahakam.service",
            (plan.data,), "Restart=always\nRestartSec=30\nKillSignal=SIGINT\nSuccessExitStatus=1 2 130\n",
        ),
    }  # fmt: skip
    if plan.backups is not None:
        command = f"backup --to {shlex.quote(str(plan.backups))} --keep 14"
        found["mahakam-backup.service"] = _service(
            plan,
            "Mahakam: the daily backup",
            command,
            "mahakam.service",
            (plan.data, plan.backups),
            "",
            kind="oneshot",
        )
        found["mahakam-backup.timer"] = (
            "[Unit]\nDescription=Mahakam: a backup a day\n\n"
            "[Timer]\nOnCalendar=daily\nRandomizedDelaySec=1h\nPersistent=yes\n\n"
            "[Install]\nWantedBy=timers.target\n"
        )
    return found


def environment(plan: Plan) -> str:
    """The settings, for a person to fill in: what most nodes need is there, switched off."""
    return f"""\
# Settings of this node: docs/settings.md. After a change: systemctl restart mahakam mahakam-feeds
MAHAKAM_DATA={plan.data}
MAHAKAM_CONFIG={plan.config}
MAHAKAM_HOST={plan.host}
MAHAKAM_PORT={plan.port}
MAHAKAM_LOG=json
# Whose accounts sign in with a code from their telephone, too: everybody who may do more than a resident.
MAHAKAM_SECOND_STEP=officer,head,steward,supervisor,admin

# The address by which people reach the node, through a proxy with a certificate:
# MAHAKAM_URL=https://layanan.example.id
# Mail to residents and officers:
# MAHAKAM_SMTP=smtp://USER:PASSWORD@mail.example.id:587
# MAHAKAM_MAIL_FROM=Samarinda <noreply@example.id>
# More than one machine, or more than one process that serves:
# MAHAKAM_STORE=postgresql://mahakam@localhost/mahakam
# MAHAKAM_WORKERS=2
# The only hosts to which the node connects, besides those of this file (docs/security.md):
# MAHAKAM_HOSTS=data.example.id, *.push.services.mozilla.com, fcm.googleapis.com
# Traces, to an OpenTelemetry receiver:
# MAHAKAM_TRACES=http://127.0.0.1:4318/v1/traces
# Encrypted backups:
# MAHAKAM_BACKUP_KEY_FILE={plan.config}/backup.key
"""


def _service(
    plan: Plan, about: str, command: str, after: str, writes: tuple[Path, ...], more: str, kind: str = "exec"
) -> str:
    hard = _HARD.format(writes=" ".join(_quoted(path) for path in writes))
    install = "" if kind == "oneshot" else "\n[Install]\nWantedBy=multi-user.target\n"
    wants = "Wants=network-online.target\n" if "network-online.target" in after else ""
    return (
        f"[Unit]\nDescription={about}\nAfter={after}\n{wants}\n"
        f"[Service]\nType={kind}\nUser={plan.user}\nGroup={plan.user}\nEnvironmentFile={plan.environment_file}\n"
        f"WorkingDirectory={plan.data}\nExecStart={_quoted(plan.program)} {command}\n{more}{hard}{install}"
    )


def _quoted(path: Path) -> str:
    """A path as systemd reads it (systemd.service(5), command lines; ``%`` begins a specifier)."""
    text = str(path).replace("%", "%%")
    return (
        '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if any(c in text for c in " \t\"'\\;")
        else text
    )


def write(path: Path, text: str, mode: int) -> bool:
    """Write a file whole, as only ``mode`` allows; False if it is already so."""
    if path.exists() and path.read_text("utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
        os.fchmod(file.fileno(), mode)
    new.rename(path)
    return True
