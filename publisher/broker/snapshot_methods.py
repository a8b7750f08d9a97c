"""Serve the snapshot calls of ``google.pubsub.v1.Subscriber`` from the shared model."""

from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from publisher.broker.grpc_handlers import page, unary_handler
from publisher.broker.protobuf import SnapshotPb, snapshot_to_pb
from publisher.broker.shared_model import SharedModel


def snapshot_methods(shared: SharedModel) -> dict[str, grpc.RpcMethodHandler]:
    """Return the handlers of the snapshot calls by method name."""

    def create(request: Any, _: grpc.ServicerContext) -> Any:
        with shared.locked() as model:
            return snapshot_to_pb(model.create_snapshot(request.name, request.subscription, request.labels))

    def get(request: Any, _: grpc.ServicerContext) -> Any:
        with shared.locked() as model:
            return snapshot_to_pb(model.snapshots.get(request.snapshot))

    def list_all(request: Any, _: grpc.ServicerContext) -> Any:
        with shared.locked() as model:
            snapshots = model.snapshots.all(request.project)
        some, token = page(snapshots, request.page_size, request.page_token, lambda snapshot: snapshot.name)
        return types.ListSnapshotsResponse.pb()(snapshots=map(snapshot_to_pb, some), next_page_token=token)

    def delete(request: Any, _: grpc.ServicerContext) -> Any:
        with shared.locked() as model:
            model.snapshots.delete(request.snapshot)
        return Empty()

    return {
        "CreateSnapshot": unary_handler(create, types.CreateSnapshotRequest.pb(), SnapshotPb),
        "GetSnapshot": unary_handler(get, types.GetSnapshotRequest.pb(), SnapshotPb),
        "ListSnapshots": unary_handler(list_all, types.ListSnapshotsRequest.pb(), types.ListSnapshotsResponse.pb()),
        "DeleteSnapshot": unary_handler(delete, types.DeleteSnapshotRequest.pb(), Empty),
    }
