"""A gRPC client that isn't ours, as a process, so that it can be started in another network namespace.

    rpc_caller.py TARGET [--ca FILE] [--cert FILE --key FILE]

Each line on standard input is a question, `verify ID`, `create ID`, `health` or `services`; each is answered by a line
{"code": "OK", "answer": …, "details": …}.  All go over one connection, which is made by the first; in clear without --ca.
"""
import argparse
import json
import sys

import grpc

from wire import billing_pb2, billing_pb2_grpc, health_pb2, health_pb2_grpc, patient_pb2, patient_pb2_grpc, reflection_pb2, \
    reflection_pb2_grpc

TIMEOUT = 10


def ask(channel, what, *args):
    if what == "verify":
        return patient_pb2_grpc.PatientServiceStub(channel).verifyPatient(
            patient_pb2.PatientLookupRequest(patientId=args[0]), timeout=TIMEOUT).exists
    if what == "create":
        return billing_pb2_grpc.BillingServiceStub(channel).createInvoice(
            billing_pb2.InvoiceRequest(patientId=args[0], amount="12.50"), timeout=TIMEOUT).status
    if what == "health":
        return health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT).status
    assert what == "services"
    answers = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(
        iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=TIMEOUT)
    return [s.name for s in next(answers).list_services_response.service]


def read(path):
    if path is None:
        return None
    with open(path, "rb") as f:
        return f.read()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    for option in ("--ca", "--cert", "--key"):
        parser.add_argument(option)
    asked = parser.parse_args()
    if asked.ca:
        channel = grpc.secure_channel(asked.target, grpc.ssl_channel_credentials(read(asked.ca), read(asked.key), read(asked.cert)))
    else:
        channel = grpc.insecure_channel(asked.target)
    for line in sys.stdin:
        try:
            said = {"code": "OK", "answer": ask(channel, *line.split()), "details": ""}
        except grpc.RpcError as e:
            said = {"code": e.code().name, "answer": None, "details": e.details()}
        print(json.dumps(said), flush=True)


main()
