"""The account's alias and its summary."""

from grants.sandbox.calls import Call
from grants.sandbox.iam import pages, refusals
from grants.sandbox.iam.desk import Answer, Desk, Operation


def _create_account_alias(desk: Desk, call: Call) -> Answer:
    desk.require(call, "*")
    desk.account.create_account_alias(call.parameters["AccountAlias"])
    return {}


def _delete_account_alias(desk: Desk, call: Call) -> Answer:
    desk.require(call, "*")
    alias = call.parameters["AccountAlias"]
    if alias not in desk.account.account_aliases:
        raise refusals.no_such_entity(f"The account alias with name {alias} cannot be found.")
    desk.account.delete_account_alias()
    return {}


def _list_account_aliases(desk: Desk, call: Call) -> Answer:
    desk.require(call, "*")
    return pages.page("AccountAliases", desk.account.account_aliases, call.parameters, key=str, shape=str)


def _get_account_summary(desk: Desk, call: Call) -> Answer:
    desk.require(call, "*")
    users = desk.account.users.values()
    return {
        "SummaryMap": {
            **desk.account.account_summary.summary_map,
            "AccountAccessKeysPresent": 1,
            "MFADevicesInUse": sum(len(desk.account.devices_of(user)) for user in users),
        }
    }


OPERATIONS: dict[str, Operation] = {
    "CreateAccountAlias": _create_account_alias,
    "DeleteAccountAlias": _delete_account_alias,
    "ListAccountAliases": _list_account_aliases,
    "GetAccountSummary": _get_account_summary,
}
