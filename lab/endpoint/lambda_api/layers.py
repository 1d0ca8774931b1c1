"""Layers."""

from lab.endpoint.lambda_api.service import Call, check_revision, invalid


def check_number(call: Call) -> None:
    """GetLayerVersion, DeleteLayerVersion."""
    if call.params["VersionNumber"] < 1:
        raise invalid("Layer Version Cannot be less than 1")


def check_policy(call: Call) -> None:
    """AddLayerVersionPermission, RemoveLayerVersionPermission: for the newest revision of the policy."""
    version, _ = call.lambda_svc._find_layer_version(call.params["LayerName"], call.params["VersionNumber"])
    if version is not None:
        check_revision(call.params.get("RevisionId"), version["_policy_revision_id"], "GetLayerPolicy")
