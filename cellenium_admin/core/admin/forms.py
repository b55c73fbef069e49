"""Forms of the admin in the theme's clothes: real labels, errors beside their fields, times in UTC.

Beside `base`, the one place that imports the theme (django-unfold).
"""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from cellenium_admin.core.exceptions import ApplicationError

__all__ = ["ActionForm", "BareForm", "NamedRowField", "checkbox", "choice", "date_time", "options", "several", "text"]
WORD_LIMIT = 1000


def text(label: str, *, help_text: str = "", required: bool = True, **more: Any) -> forms.CharField:
    """Make a field of one line, in which Enter sends the form; what is pasted is never rewritten but at its ends."""
    attributes = {"autocomplete": "off", "spellcheck": "false", **more.pop("attributes", {})}
    widget = UnfoldAdminTextInputWidget(attrs=attributes)
    return forms.CharField(label=label, help_text=help_text, required=required, widget=widget, **more)


def choice(label: str, choices: Any, *, help_text: str = "", required: bool = True, **more: Any) -> forms.ChoiceField:
    """Make a list to choose one from."""
    widget = UnfoldAdminSelectWidget()
    return forms.ChoiceField(
        label=label, choices=choices, help_text=help_text, required=required, widget=widget, **more
    )


def options(label: str, choices: Any, *, help_text: str = "", required: bool = True, **more: Any) -> forms.ChoiceField:
    """Make a few options that all stand on the page, one to be chosen."""
    widget = UnfoldAdminRadioSelectWidget()
    return forms.ChoiceField(
        label=label, choices=choices, help_text=help_text, required=required, widget=widget, **more
    )


def several(label: str, choices: Any, *, help_text: str = "", **more: Any) -> forms.MultipleChoiceField:
    """Make options of which any number can be chosen, none included."""
    widget = forms.CheckboxSelectMultiple()
    return forms.MultipleChoiceField(
        label=label, choices=choices, help_text=help_text, required=False, widget=widget, **more
    )


def checkbox(label: str, *, help_text: str = "", **more: Any) -> forms.BooleanField:
    """Make a box to tick."""
    return forms.BooleanField(label=label, help_text=help_text, required=False, widget=UnfoldBooleanWidget(), **more)


def date_time(label: str, *, help_text: str = "", required: bool = True, **more: Any) -> forms.DateTimeField:
    """Make a field for a moment, in UTC, with the browser's own calendar."""
    attributes = {"type": "datetime-local", "class": "moment", **more.pop("attributes", {})}
    widget = forms.DateTimeInput(
        format="%Y-%m-%dT%H:%M",
        attrs={**UnfoldAdminTextInputWidget(attrs={"class": attributes.pop("class")}).attrs, **attributes},
    )
    return forms.DateTimeField(label=label, help_text=help_text, required=required, widget=widget, **more)


class NamedRowField(forms.CharField):
    """A field that takes a row by its name; the browser suggests names from the admin's own search.

    `rows` gives those that may be chosen, `lookups` the fields a name may stand in, `suggested_by` the foreign key
    (`grants.grant.principal`) whose search completes what is typed. Scales where a list of all rows would not.
    """

    def __init__(
        self,
        *,
        rows: Callable[[], QuerySet[Any]],
        lookups: Sequence[str],
        missing: str,
        suggested_by: str = "",
        **more: Any,
    ) -> None:
        """Keep how a name finds its row, and the sentence for one that does not."""
        self.rows, self.lookups, self.suggested_by, self.missing = rows, lookups, suggested_by, missing
        super().__init__(
            widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}), **more
        )

    def prepare_value(self, value: Any) -> Any:
        """Show a row by its name."""
        return str(value) if isinstance(value, Model) else value

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> forms.BoundField:
        """Tell the page's script where suggestions come from, once there are URLs."""
        if self.suggested_by:
            app, model, field = self.suggested_by.split(".")
            query = f"app_label={app}&model_name={model}&field_name={field}"
            self.widget.attrs["data-suggest"] = f"{reverse('admin:autocomplete')}?{query}"
        return super().get_bound_field(form, field_name)

    def clean(self, value: Any) -> Any:
        """Find the one row of this name."""
        name = super().clean(value)
        if not name:
            return None
        condition = Q()
        for lookup in self.lookups:
            condition |= Q(**{lookup: name})
        found = list(self.rows().filter(condition).distinct()[:2])
        if not found:
            raise ValidationError(f"{self.missing} {name}.", code="unknown")
        if len(found) > 1:
            raise ValidationError(f"More than one goes by {name}: give the whole ARN or address.", code="ambiguous")
        return found[0]


class ActionForm(forms.Form):
    """What every confirmed action asks: why. Subclasses put their own fields before it."""

    reason = text(
        "Reason",
        max_length=WORD_LIMIT,
        help_text="Goes into the trail, for whoever asks later.",
        attributes={"autocomplete": "off", "spellcheck": "true"},
    )
    required_css_class = "required"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Ask the reason last, leave required fields to the server, which says more than browsers do."""
        kwargs["use_required_attribute"] = False
        super().__init__(*args, **kwargs)
        self.order_fields([*(name for name in self.fields if name != "reason"), "reason"])

    def take(self, error: ApplicationError) -> None:
        """Put what a service refused beside the fields it names, and the rest above the form."""
        placed = False
        for found in error.errors:
            name = found.pointer.strip("/").split("/", maxsplit=1)[0]
            if name in self.fields:
                self.add_error(name, found.detail)
                placed = True
        if not placed:
            self.add_error(None, error.detail)

    def summary(self) -> list[tuple[str, str]]:
        """Give labels and values as the confirmation repeats them."""
        return [(str(self.fields[name].label), self._shown(name)) for name in self.fields if self._shown(name)]

    def _shown(self, name: str) -> str:
        field, value = self.fields[name], self.cleaned_data.get(name)
        if value in (None, "", False, []):
            return ""
        if isinstance(field, forms.MultipleChoiceField):
            return ", ".join(_label_of(field, key) for key in value)
        if isinstance(field, forms.ChoiceField):
            return _label_of(field, value)
        if isinstance(field, forms.DateTimeField):
            return f"{value:%Y-%m-%d %H:%M} UTC"
        return "yes" if value is True else str(value)


class BareForm(ActionForm):
    """Asks nothing, for what has no place to keep a reason: a comparison, or a plan that was confirmed by its hash."""

    reason = None  # type: ignore[assignment]


def _label_of(field: forms.ChoiceField, value: Any) -> str:
    labels: dict[Any, Any] = dict(field.choices)  # type: ignore[arg-type]
    return str(labels.get(value, value))
