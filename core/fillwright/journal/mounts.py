"""What kind of file system a folder is on, as the Linux kernel tells it."""

import re
from pathlib import Path
from typing import NamedTuple

#: Where the kernel lists this process' mounts (proc_pid_mountinfo(5)); elsewhere nobody can tell.
MOUNTS = Path("/proc/self/mountinfo")
#: Kinds whose files another machine can change, or whose locks and fsync end at this one.
_SHARED = frozenset(
    {
        "9p",
        "afs",
        "auristorfs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "pvfs2",
        "smb3",
        "smbfs",
        "vboxsf",
        "vmhgfs",
    }
)
_SHARED_BY_FUSE = re.compile(
    r"fuse\.(ceph|curlftpfs|davfs2?|gcsfuse|glusterfs|goofys|juicefs|mount_vmhgfs|moosefs|"
    r"rclone|s3fs|seaweedfs|sshfs|vmhgfs-fuse)(-fuse)?"
)


class Mount(NamedTuple):
    """One file system where it is mounted."""

    point: Path
    kind: str

    @property
    def shared(self) -> bool:
        """Whether it is a network file system, or a folder of another machine."""
        return self.kind in _SHARED or _SHARED_BY_FUSE.fullmatch(self.kind) is not None


def mount_of(folder: Path) -> Mount | None:
    """The mount that an existing folder is on; None where the kernel does not tell."""
    try:
        listed = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    real = folder.resolve()
    found: Mount | None = None
    for mount in map(_read, listed.splitlines()):
        # Of two at one place, the later one covers the other.
        if mount and real.is_relative_to(mount.point):
            deeper = found is None or len(mount.point.parts) >= len(found.point.parts)
            found = mount if deeper else found
    return found


def _read(line: str) -> Mount | None:
    """One line: six fields and more, then a lone dash, then the kind."""
    before, dash, behind = line.partition(" - ")
    fields = before.split(" ")
    if not dash or len(fields) <= _POINT:
        return None
    return Mount(Path(_ESCAPED.sub(_unescaped, fields[_POINT])), behind.split(" ")[0])


_POINT = 4
#: Blanks, tabs, line ends and backslashes are written in octal.
_ESCAPED = re.compile(r"\\([0-7]{3})")


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found.group(1), 8))
