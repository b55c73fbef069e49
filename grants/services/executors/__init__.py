"""How each kind of operation is carried out."""

from collections.abc import Mapping

from grants.models import Operation
from grants.services.executors import cuts, grants, keys, locations, strays, users
from grants.services.operation_calls import Executor

_Kind = Operation.Kind

EXECUTORS: Mapping[Operation.Kind, Executor] = {
    _Kind.CREATE_LOCATION: locations.CREATE,
    _Kind.UPDATE_LOCATION: locations.UPDATE,
    _Kind.DELETE_LOCATION: locations.DELETE,
    _Kind.CREATE_USER: users.CREATE,
    _Kind.DELETE_USER: users.DELETE,
    _Kind.FORGET_PRINCIPAL: users.FORGET,
    _Kind.ADD_TO_GROUP: users.ADD_TO_GROUP,
    _Kind.CREATE_KEY: keys.CREATE,
    _Kind.SET_KEY_STATUS: keys.SET_STATUS,
    _Kind.DELETE_KEY: keys.DELETE,
    _Kind.CREATE_GRANT: grants.CREATE,
    _Kind.DELETE_GRANT: grants.DELETE,
    _Kind.PUT_CUT: cuts.PUT,
    _Kind.TAG_RESOURCE: strays.TAG,
    _Kind.DELETE_STRAY_GRANT: strays.DELETE_GRANT,
    _Kind.DELETE_STRAY_LOCATION: strays.DELETE_LOCATION,
    _Kind.DELETE_STRAY_USER: strays.DELETE_USER,
    _Kind.DELETE_STRAY_KEY: strays.DELETE_KEY,
}
