#!/usr/bin/python3
"""The lint finds what is planted, and nothing in what is right."""
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("lint", os.path.join(HERE, "lint"))
lint = importlib.util.module_from_spec(importlib.util.spec_from_loader("lint", loader))
loader.exec_module(lint)

GUARDED = "#ifndef A\n#define A\nint a(void);\n#endif\n"

# path, text, the line blamed, rule
PLANTED = [
    ("domain/patient/a.c", '#include "lib/web/web.h"\n', 1, "include"),
    ("domain/patient/a.c", '\n#include "fcgi/patient/handlers.h"\n', 2, "include"),
    ("domain/patient/a.c", '#include "domain/billing/billing.h"\n', 1, "include"),
    ("domain/patient/a.c", '#include "proto/patient.pb-c.h"\n', 1, "include"),
    ("domain/patient/a.c", '#include "cli/cli.h"\n', 1, "include"),
    ("lib/base/a.c", '#include "domain/patient/patient.h"\n', 1, "include"),
    ("lib/base/a.c", '#include "lib/pg/pg.h"\n', 1, "include"),
    ("lib/field/a.c", '#include "lib/web/web.h"\n', 1, "include"),
    ("lib/pg/a.c", '#include "fcgi/patient/handlers.h"\n', 1, "include"),
    ("lib/web/a.c", '#include "lib/rpc/rpc.h"\n', 1, "include"),
    ("fcgi/patient/handlers.c", '#include "grpc/patient_client.h"\n', 1, "include"),
    ("fcgi/patient/handlers.c", '#include "fcgi/billing/handlers.h"\n', 1, "include"),
    ("fcgi/patient/handlers.c", '#include "lib/rpc/rpc.h"\n', 1, "include"),
    ("fcgi/patient/main.c", '#include "lib/bus/bus.h"\n', 1, "include"),
    ("grpc/patient_server.c", '#include "lib/web/web.h"\n', 1, "include"),
    ("grpc/patient_server.c", '#include "worker/relay.h"\n', 1, "include"),
    ("worker/relay.c", '#include "fcgi/patient/handlers.h"\n', 1, "include"),
    ("domain/patient/a.c", "#include <libpq-fe.h>\n", 1, "include"),
    ("lib/web/a.c", "#  include <libpq-fe.h>\n", 1, "include"),
    ("fcgi/patient/main.c", "#include <fcgiapp.h>\n", 1, "include"),
    ("grpc/patient_server.c", "#include <grpc/grpc.h>\n", 1, "include"),
    ("worker/relay.c", "#include <librdkafka/rdkafka.h>\n", 1, "include"),
    ("lib/base/a.c", '#include "arena.h"\n', 1, "include"),
    ("lib/base/a.c", "void f(char *s)\n{\n\tstrcpy(s, s);\n}\n", 3, "banned"),
    ("lib/base/a.c", "int f(char *s) { return atoi (s); }\n", 1, "banned"),
    ("tests/unit/a.c", "void f(char *s) { sprintf(s, s); }\n", 1, "banned"),
    ("domain/patient/patient.c", 'const char *q =\n    "select id from patient";\n', 2, "sql"),
    ("domain/patient/patient.c", 'const char *q = "\\tINSERT INTO patient values ($1)";\n', 1, "sql"),
    ("fcgi/patient/handlers.c", 'const char *q = "update patient set name = $1";\n', 1, "sql"),
    ("worker/relay.c", 'const char *q = "delete from outbox";\n', 1, "sql"),
    ("cli/import.c", 'const char *q = "with due as (";\n', 1, "sql"),
    ("domain/patient/patient.c", 'void f(void)\n{\n\tprintf("x");\n}\n', 3, "log"),
    ("domain/patient/patient.c", 'void f(void) { log_line(0, "x"); }\n', 1, "log"),
    ("lib/pg/a.c", "static _Thread_local int n;\n", 1, "threadlocal"),
    ("lib/base/a.c", "/*\n * TODO: later\n */\n", 2, "unfinished"),
    ("lib/base/a.c", "// FIXME\n", 1, "unfinished"),
    ("lib/base/a.c", "int a;\n" * 601, 601, "lines"),
    ("lib/base/a.h", "size_t n(void);\n", 1, "alone"),
    ("lib/base/a.h", '#include "lib/base/missing.h"\n', 1, "alone"),
    ("lib/base/a.c", "int f(char *s) { return atoi(s); } /* lint: allow banned */\n", 1, "banned"),
    ("lib/base/a.c", "int f(char *s) { return atoi(s); } /* lint: allow banned */\n", 1, "override"),
    ("lib/base/a.c", "int f(char *s) { return atoi(s); } /* lint: allow sql: not this rule */\n", 1, "banned"),
    ("lib/base/a.c", "int a; /* lint: allow banned: nothing is */\n", 1, "override"),
    ("lib/new/a.c", "int a;\n", 0, "readme"),
    ("domain/auth/a.c", "int a;\n", 0, "readme"),
    ("worker/a.c", "int a;\n", 0, "readme"),
    ("tests/new/a.py", "a = 1\n", 0, "readme"),
]

RIGHT = [
    ("lib/base/a.h", GUARDED),
    ("lib/base/a.c", '#include "lib/base/a.h"\n#include <stdio.h>\n#include "config.h"\n'),
    ("lib/pg/a.c", '#include <libpq-fe.h>\n#include "lib/base/a.h"\n#include "lib/field/field.h"\n'
                   'const char *begin = "begin";\n'),
    ("domain/patient/patient_store.c", '#include "lib/pg/pg.h"\nconst char *q = "select id from patient";\n'),
    ("domain/patient/patient.c", '/* strcpy(a, b) and "select x from y" may be spoken of, and <libpq-fe.h> */\n'
                                 'const char *text = "sprintf(%s)", *help = "Update it";\nint my_atoi(int);\n'),
    ("fcgi/patient/handlers.c", '#include "domain/billing/billing.h"\n#include "lib/web/web.h"\n'),
    ("fcgi/patient/main.c", '#include "grpc/patient_client.h"\n#include "fcgi/patient/handlers.h"\n'),
    ("worker/relay_main.c", '#include "grpc/patient_client.h"\n#include "lib/rpc/rpc.h"\n'),
    ("grpc/patient_server.c", '#include "proto/patient.pb-c.h"\n#include "lib/rpc/rpc.h"\n'),
    ("lib/rpc/health.c", '#include <grpc/grpc.h>\n#include "proto/health.pb-c.h"\n'),
    ("cli/check.c", 'const char *q = "select count(*) from invoice";\n'),
    ("cli/a.c", '/* lint: allow include: the reason */\n#include "grpc/patient_client.h"\n'),
    ("cli/b.c", "int f(char *s) { return atoi(s); } /* lint: allow banned: checked before */\n"),
    ("lib/base/long.c", "/* lint: allow lines: a table is a table */\n" + "int a;\n" * 601),
    ("build-debug/a.c", "int f(char *s) { return atoi(s); }\n"),
    ("run/a.c", "// TODO\n"),
]


def room(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] in ("lib", "domain", "tests") else parts[0]


def found(files, compiling, readmes=True):
    """Findings as (path, line, rule) in a tree of these files."""
    files = dict(files)
    if readmes:
        files |= {room(path) + "/README.md": "x\n" for path in files}
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                f.write(text)
        return [(path, line, rule) for path, line, rule, _ in lint.lint(root, compiling)[0]]


class Lint(unittest.TestCase):
    def test_each_planted_violation_is_found_where_it_is(self):
        for path, text, line, rule in PLANTED:
            with self.subTest(path=path, rule=rule, text=text[:60]):
                findings = found([(path, text)], compiling=rule == "alone", readmes=rule != "readme")
                where = os.path.dirname(path) + "/README.md" if rule == "readme" else path
                self.assertIn((where, line, rule), findings)

    def test_what_is_right_is_left_in_peace(self):
        self.assertEqual(found(RIGHT, compiling=True), [])

    def test_a_folder_of_tests_may_be_explained_in_their_common_readme(self):
        files = [("tests/new/a.py", "a = 1\n"), ("tests/README.md", "| `new` | what is new |\n")]
        self.assertEqual(found(files, compiling=False, readmes=False), [])

    def test_what_makefile_am_does_not_name_is_in_no_tarball(self):
        files = [("tests/system/a_test.py", "a = 1\n"), ("tests/system/b_test.py", "a = 1\n"), ("doc/c.md", "x\n"),
                 ("doc/README.md", "x\n"), ("tests/README.md", "| `system` | whole systems |\n"),
                 ("Makefile.am", "EXTRA_DIST = tests/system/b_test.py doc/README.md tests/system/a_test.py.in\n")]
        self.assertEqual([(path, rule) for path, _, rule in found(files, compiling=False, readmes=False)],
                         [("doc/c.md", "tarball"), ("tests/system/a_test.py", "tarball")])

    def test_all_of_a_files_findings_are_reported_at_once(self):
        text = '#include "lib/web/web.h"\n#include <libpq-fe.h>\nint f(char *s) { return atoi(s); }\n'
        self.assertEqual([x[1:] for x in found([("domain/patient/a.c", text)], compiling=False)],
                         [(1, "include"), (2, "include"), (3, "banned")])

    def test_the_command_ends_with_a_count_and_status_1(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "cli"))
            with open(os.path.join(root, "cli", "a.c"), "w", encoding="utf-8") as f:
                f.write("// TODO\n")
            done = subprocess.run([os.path.join(HERE, "lint"), "--no-compile", root], capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stdout.split("\n")[-2], "lint: 2 findings in 1 files")
            self.assertIn("cli/a.c:1: unfinished: ", done.stdout)


if __name__ == "__main__":
    unittest.main()
