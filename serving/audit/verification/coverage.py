"""What heads say of each stream, held against the records as they go by."""

from collections import defaultdict, deque

from serving.audit.heads import Head, StreamRange
from serving.audit.merkle import MerkleTree
from serving.audit.verification.findings import Finding, Found


class _Covered:
    """One head, until all of its records have gone by."""

    __slots__ = ("after_place", "last_place", "merkle_root", "number", "records", "tree")

    def __init__(self, head: Head, after_place: int, last_place: int) -> None:
        self.number = head.number
        self.records = head.records
        self.merkle_root = head.merkle_root
        self.after_place, self.last_place = after_place, last_place
        self.tree: MerkleTree | None = MerkleTree()


class Coverage:
    """Takes all heads, then all records in order of stream and number: the order in which each
    head's tree has its leaves, so that one pass checks every tree."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._waiting: dict[str, deque[tuple[StreamRange, _Covered]]] = defaultdict(deque)
        self._ends: dict[str, int] = {}
        self._heads: list[_Covered] = []
        self._last_place = 0

    def add(self, head: Head, last_place: int) -> None:
        covered = _Covered(head, self._last_place, last_place)
        if last_place < self._last_place or (not head.records and last_place != self._last_place):
            self._found(Finding("head_misplaced", f"head {head.number} ends before its records"))
        self._last_place = last_place
        self._heads.append(covered)
        for span in head.streams:
            if span.first != self._ends.get(span.stream, 0) + 1 or span.last < span.first:
                where = f"head {head.number} covers {span.stream} from {span.first}"
                self._found(Finding("head_leaves_gap", where))
            self._ends[span.stream] = span.last
            self._waiting[span.stream].append((span, covered))

    def record(self, stream: str, number: int, link: bytes, place: int) -> None:
        """One record of the table."""
        waiting = self._waiting.get(stream)
        while waiting and waiting[0][0].last < number:
            self._not_all_came(*waiting.popleft())
        if not waiting or number < waiting[0][0].first:
            self._check_pending(stream, number, place)
            return
        span, covered = waiting[0]
        if covered.tree is not None:
            covered.tree.add(link)
        if not covered.after_place < place <= covered.last_place:
            where = f"record {number} of {stream} lies outside head {covered.number}"
            self._found(Finding("record_misplaced", where))
        if number == span.last:
            if link.hex() != span.link:
                where = f"record {number} of {stream} is not the one that head {covered.number} saw"
                self._found(Finding("record_replaced", where))
            waiting.popleft()

    def finish(self) -> None:
        """After the last record."""
        for stream in list(self._waiting):
            for span, covered in self._waiting.pop(stream):
                self._not_all_came(span, covered)
        for covered in self._heads:
            tree = covered.tree
            if tree is not None and (
                tree.size != covered.records or tree.root().hex() != covered.merkle_root
            ):
                where = f"head {covered.number} was made over other records"
                self._found(Finding("records_differ_from_head", where))

    def covered_up_to(self, head_number: int) -> int:
        """Records that the heads up to this one cover."""
        return sum(head.records for head in self._heads if head.number <= head_number)

    def _check_pending(self, stream: str, number: int, place: int) -> None:
        if number <= self._ends.get(stream, 0):
            where = f"record {number} of {stream} is in no head, yet later ones are"
            self._found(Finding("record_inserted", where))
        elif place <= self._last_place:
            where = f"record {number} of {stream} lies before the last head, which left it out"
            self._found(Finding("record_misplaced", where))

    def _not_all_came(self, span: StreamRange, covered: _Covered) -> None:
        where = f"records {span.first} to {span.last} of {span.stream}, in head {covered.number}"
        self._found(Finding("records_gone", f"{where}, are not all there"))
