"""A request takes as many instructions as was recorded (tests/bench/instructions.txt)."""
import sys

from medicore import TOP

sys.path.insert(0, str(TOP / "tests" / "bench"))
import instructions  # noqa: E402

ANEW = "\nWhere that is meant, ./dev bench --record-instructions records it anew."


def test_no_request_takes_other_than_the_recorded_instructions():
    recorded, found = instructions.read(), instructions.measure()
    for case, functions in found.items():
        print(f"{case}: {instructions.total(functions):,} instructions")
    assert sorted(recorded) == sorted(found), ANEW
    said = list(filter(None, (instructions.difference(case, recorded[case], found[case]) for case in found)))
    assert not said, "\n\n" + "\n\n".join(said) + "\n" + ANEW
