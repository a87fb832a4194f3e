"""The gRPC messages of proto/, compiled when first imported, for grpcio: a client that isn't ours."""
import pathlib
import sys
import tempfile

import grpc_tools
from grpc_tools import protoc

_proto = pathlib.Path(__file__).resolve().parents[2] / "proto"
_out = tempfile.TemporaryDirectory(prefix="medicore-proto-")
_files = ["patient.proto", "billing.proto", "events.proto", "health.proto", "reflection.proto"]
_includes = str(pathlib.Path(grpc_tools.__file__).parent / "_proto")
if protoc.main(["protoc", f"-I{_proto}", f"-I{_includes}", f"--python_out={_out.name}", f"--grpc_python_out={_out.name}",
                *_files]):
    raise RuntimeError("protoc failed")
sys.path.insert(0, _out.name)

import billing_pb2  # noqa: E402
import billing_pb2_grpc  # noqa: E402
import events_pb2  # noqa: E402
import events_pb2_grpc  # noqa: E402
import health_pb2  # noqa: E402
import health_pb2_grpc  # noqa: E402
import patient_pb2  # noqa: E402
import patient_pb2_grpc  # noqa: E402
import reflection_pb2  # noqa: E402
import reflection_pb2_grpc  # noqa: E402

__all__ = ["billing_pb2", "billing_pb2_grpc", "events_pb2", "events_pb2_grpc", "health_pb2", "health_pb2_grpc", "patient_pb2",
           "patient_pb2_grpc", "reflection_pb2", "reflection_pb2_grpc"]
