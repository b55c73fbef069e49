"""Virtual MFA devices: made with a seed, enabled by two codes in a row, and taken away again."""

import base64
import hmac
import struct
from datetime import datetime

from moto.iam.models import VirtualMfaDevice

from grants.sandbox.calls import Call
from grants.sandbox.iam import pages, refusals, shapes
from grants.sandbox.iam.desk import Answer, Desk, Operation

_STEP, _WINDOW, _DEVICES_PER_USER = 30, 10, 8


def _create_virtual_mfa_device(desk: Desk, call: Call) -> Answer:
    name, path = call.parameters["VirtualMFADeviceName"], call.parameters.get("Path") or "/"
    desk.require(call, desk.account.arn("mfa", f"{path}{name}"))
    if call.parameters.get("Tags"):
        raise refusals.not_done("TagMFADevice")
    if desk.account.arn("mfa", f"{path}{name}") in desk.account.virtual_mfa_devices:
        raise refusals.already_exists("MFADevice entity at the same path and name already exists.")
    device = desk.account.create_virtual_mfa_device(name, path)
    device.base32_string_seed = desk.account.new_seed()
    seed = device.base32_string_seed.encode()
    return {"VirtualMFADevice": {**shapes.device(device), "Base32StringSeed": seed}}


def _enable_mfa_device(desk: Desk, call: Call) -> Answer:
    user, device = desk.user(call), _device(desk, call)
    if device.user is not None:
        raise refusals.already_exists("MFA Device is already in use.")
    if len(desk.account.devices_of(user)) >= _DEVICES_PER_USER:
        raise refusals.quota("MFADevicesPerUser", _DEVICES_PER_USER)
    _check_codes(device, call, desk.now())
    device.user, device.enable_date = user, desk.now()
    return {}


def _resync_mfa_device(desk: Desk, call: Call) -> Answer:
    user, device = desk.user(call), _device(desk, call)
    _refuse_unless_of(user.name, device)
    _check_codes(device, call, desk.now())
    return {}


def _deactivate_mfa_device(desk: Desk, call: Call) -> Answer:
    user, device = desk.user_or_self(call), _device(desk, call)
    _refuse_unless_of(user.name, device)
    device.user = device.enable_date = None
    return {}


def _delete_virtual_mfa_device(desk: Desk, call: Call) -> Answer:
    desk.require(call, call.parameters["SerialNumber"])
    device = _device(desk, call)
    if device.user is not None:
        raise refusals.delete_conflict("MFA VirtualDevice in use. Must deactivate first.")
    desk.account.delete_virtual_mfa_device(device.serial_number)
    return {}


def _list_mfa_devices(desk: Desk, call: Call) -> Answer:
    user = desk.user_or_self(call)
    return pages.page(
        "MFADevices",
        desk.account.devices_of(user),
        call.parameters,
        key=lambda device: str(device.serial_number),
        shape=lambda device: {
            "UserName": user.name,
            "SerialNumber": device.serial_number,
            "EnableDate": shapes.moment(device.enable_date or desk.account.created),
        },
    )


def _list_virtual_mfa_devices(desk: Desk, call: Call) -> Answer:
    desk.require(call, desk.account.arn("mfa", ""))
    status = call.parameters.get("AssignmentStatus", "Any")
    found = (
        device
        for device in desk.account.virtual_mfa_devices.values()
        if status == "Any" or (status == "Assigned") == (device.user is not None)
    )
    return pages.page(
        "VirtualMFADevices",
        found,
        call.parameters,
        key=lambda device: str(device.serial_number),
        shape=shapes.device,
    )


def _device(desk: Desk, call: Call) -> VirtualMfaDevice:
    serial = call.parameters["SerialNumber"]
    if serial not in desk.account.virtual_mfa_devices:
        raise refusals.no_such_entity(f"VirtualMFADevice with serial number {serial} doesn't exist.")
    return desk.account.virtual_mfa_devices[serial]


def _refuse_unless_of(name: str, device: VirtualMfaDevice) -> None:
    if device.user is None or device.user.name != name:
        raise refusals.no_such_entity(
            f"MFA Device with serial number {device.serial_number} is not enabled for {name}."
        )


def _check_codes(device: VirtualMfaDevice, call: Call, now: datetime) -> None:
    """Raise InvalidAuthenticationCode unless the two codes follow each other about now.

    Source: RFC 6238, with six digits, thirty seconds and SHA-1 as authenticator apps use.
    """
    given = (call.parameters["AuthenticationCode1"], call.parameters["AuthenticationCode2"])
    step = int(now.timestamp()) // _STEP
    pairs = (
        (code(device.base32_string_seed, at), code(device.base32_string_seed, at + 1))
        for at in range(step - _WINDOW, step + _WINDOW)
    )
    if given not in pairs:
        raise refusals.forbidden_code(device.serial_number)


def code(seed: str, step: int) -> str:
    """Give the six digits an authenticator shows in one step of thirty seconds since 1970."""
    digest = hmac.digest(base64.b32decode(seed), struct.pack(">Q", step), "sha1")
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


OPERATIONS: dict[str, Operation] = {
    "CreateVirtualMFADevice": _create_virtual_mfa_device,
    "EnableMFADevice": _enable_mfa_device,
    "ResyncMFADevice": _resync_mfa_device,
    "DeactivateMFADevice": _deactivate_mfa_device,
    "DeleteVirtualMFADevice": _delete_virtual_mfa_device,
    "ListMFADevices": _list_mfa_devices,
    "ListVirtualMFADevices": _list_virtual_mfa_devices,
}
