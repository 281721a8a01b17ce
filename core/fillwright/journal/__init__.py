"""The durable journal: what was decided and what happened, in order, in one SQLite file.

Rules:
1. Append only. A record gets its number, time and hash when it is appended; it is durable when
   `durable` returned. Numbers are dense from 1, times and epochs never fall, and each hash seals
   the record to all before it (`chain`).
2. Who opens to write appends a `journal.opened` record of the next epoch. The first one binds
   the file to a mode, a broker and an account. The journal has no other mutable state: the
   newest record *is* the epoch, and each write transaction begins by reading it, so a process
   whose journal was taken over cannot commit.
3. A failed write or fsync is final: nobody knows which pages reached the disk, and asking again
   would report success for pages that the kernel has already dropped.
4. What may be cut is only what was never called durable. SQLite's WAL frames carry running
   checksums, so a torn or flipped tail disappears in whole transactions and leaves a prefix. To
   tell an unfinished tail from a durable one that was lost, the lock file remembers the newest
   durable record (written after each fsync, so it never claims too much). A journal that ends
   before it lost records that an order may have been sent on: `JournalDamaged`, never a
   silent cut. Whoever accepts that loss removes the lock file, and the broker's books decide.
5. Whatever is inside the file and does not fit (hash, number, time, epoch, a SQLite page, an
   index) is `JournalDamaged`. Opening checks the pages and indexes, `read` checks the chain while
   it streams, so the replay at start is the verification; `about` and `last` check each
   record against the hash before it. Cutting the whole file back together with the lock file
   shows only against a head hash that was kept elsewhere.
"""

from fillwright.journal.audit import VerifyReport, export, verify
from fillwright.journal.chain import OPENED
from fillwright.journal.lock import check_free
from fillwright.journal.memory import MemoryJournal
from fillwright.journal.reader import JournalReader
from fillwright.journal.sight import Sight, look
from fillwright.journal.sqlite import SqliteJournal

__all__ = [
    "OPENED",
    "JournalReader",
    "MemoryJournal",
    "Sight",
    "SqliteJournal",
    "VerifyReport",
    "check_free",
    "export",
    "look",
    "verify",
]
