"""Subscriptions: recipients, reports, filters, and the handling of reports that cannot be sent. No I/O."""

import re
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from assets.config.base import Address, ConfigModel, Folder, Name, in_message
from assets.config.channels import Channel, GoogleChat, Sftp, Slack, Teams, Webhook
from assets.config.metrics import Condition
from assets.config.presentation import Filters, Format, Language

_DETAIL = re.compile(r"\{recipient\.(\w+)\}")


class Recipient(ConfigModel):
    """A recipient of reports; additional keys are details for the `filters` of a subscription."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str]

    address: Address
    language: Language | None = None
    mask_contacts: bool | None = None

    @property
    def details(self) -> dict[str, str]:
        """Return the values for `{recipient.<key>}`."""
        return {"address": self.address} | (self.__pydantic_extra__ or {})


def _parse_recipient(value: object) -> object:
    return {"address": value} if isinstance(value, str) else value


class Subscription(ConfigModel):
    """Reports, and the recipients who are sent them each time they are due."""

    name: Name
    reports: tuple[Name, ...] = Field(min_length=1, description="Names of presets or reports.")
    recipients: tuple[Annotated[Recipient, BeforeValidator(_parse_recipient)], ...] = Field(
        default=(),
        description="Addresses, or mappings with `address`, `language`, `mask_contacts` and details.",
    )
    recipients_file: Folder | None = Field(
        default=None,
        description="CSV file with a column `address`, read for each report date; instead of `recipients`.",
    )
    webhook: Webhook | None = Field(default=None, description="A program to notify, instead of recipients.")
    slack: Slack | None = Field(default=None, description="A Slack channel, instead of recipients.")
    teams: Teams | None = Field(
        default=None, description="A channel of Microsoft Teams, instead of recipients."
    )
    google_chat: GoogleChat | None = Field(
        default=None, description="A space of Google Chat, instead of recipients."
    )
    sftp: Sftp | None = Field(
        default=None, description="An SFTP folder for the files of `attach`, instead of recipients."
    )
    attach: tuple[Format, ...] = Field(default=(Format.PDF,), description="Files attached to the mail.")
    figures: bool = Field(default=True, description="Show total, sources and findings in the mail itself.")
    language: Language | None = Field(default=None, description="Language (default: that of the reports).")
    mask_contacts: bool | None = Field(
        default=None, description="Show pseudonyms (default: as in the reports)."
    )
    filters: Filters = Field(
        default=Filters(),
        description="Send a part of each report; `{recipient.agent}` is the recipient's `agent`.",
    )
    only_if: Literal["any", "changed", "not_empty"] = Field(
        default="any",
        description="Condition for sending; `changed`: figures other than in the previous issue.",
    )
    when: tuple[Condition, ...] = Field(
        default=(), description="Conditions on figures of the report; the subscription is then an alert."
    )
    match: Literal["any", "all"] = Field(
        default="any", description="Whether any condition of `when` suffices, or all must be met."
    )
    repeat: bool = Field(
        default=False, description="Send again for each report date while the conditions stay met."
    )
    all_clear: bool = Field(default=False, description="Also send when they are no longer met.")
    alert: bool = Field(
        default=True, description="Send an alert; otherwise the report as usual, if `when` is met."
    )
    provisional: bool = Field(
        default=False,
        description="Send provisional reports too; otherwise they are held until they are complete.",
    )
    paused: bool = False
    until: date | None = Field(default=None, description="Last report date that is sent.")
    cc_operator: bool = Field(default=False, description="Also send each full report to the operator.")
    corrections: Literal["send", "next_issue"] = Field(
        default="send", description="Handling of a later version with other figures."
    )
    when_unknown: Literal["wait", "resend"] = Field(
        default="wait",
        description="Handling of a mail with unknown outcome: wait for a person, or send one copy.",
    )
    expires_hours: float = Field(
        default=24,
        gt=0,
        le=720,
        description="Hours after the report's time during which it may still be sent.",
    )

    @model_validator(mode="after")
    def _somebody_is_sent_it(self) -> Self:
        channels = (self.webhook, self.slack, self.teams, self.google_chat, self.sftp)
        targets = (self.recipients or None, self.recipients_file, *channels)
        if sum(target is not None for target in targets) != 1:
            raise ValueError(
                "exactly one of `recipients`, `recipients_file`, `webhook`, `slack`, `teams`, `google_chat` "
                "and `sftp` is required"
            )
        if self.channel and (self.cc_operator or self.details_asked):
            raise ValueError("`cc_operator` and {recipient....} are allowed for mails only")
        if self.sftp and not self.attach:
            raise ValueError("`sftp` requires `attach`")
        addresses = [recipient.address.lower() for recipient in self.recipients]
        duplicates = sorted({address for address in addresses if addresses.count(address) > 1})
        if duplicates:
            raise ValueError(f"duplicate recipient: {in_message(', '.join(duplicates))}")
        return self

    @model_validator(mode="after")
    def _recipients_have_what_is_asked(self) -> Self:
        required = self.details_asked
        for recipient in self.recipients:
            if missing := sorted(required - recipient.details.keys()):
                raise ValueError(
                    f"{recipient.address}: `{missing[0]}` is required, because `filters` use "
                    f"{{recipient.{missing[0]}}}"
                )
            if unused := sorted(recipient.details.keys() - required - {"address"}):
                raise ValueError(
                    f"{recipient.address}: unknown key `{in_message(unused[0])}`, "
                    "which `filters` do not use either"
                )
        return self

    @model_validator(mode="after")
    def _conditions_are_about_the_report(self) -> Self:
        unused = {"match", "repeat", "all_clear", "alert"} & self.model_fields_set
        if not self.when and unused:
            raise ValueError(f"`{min(unused)}` requires `when`")
        if self.all_clear and not self.alert:
            raise ValueError("`all_clear` is for alerts: it cannot stand beside `alert: false`")
        if self.when and self.filters.active:
            raise ValueError("`when` is about the entire report: give the `filters` to the report instead")
        return self

    @property
    def is_alert(self) -> bool:
        """Return whether what is sent is an alert rather than the report."""
        return self.alert and bool(self.when)

    @property
    def channel(self) -> Channel | None:
        """Return the channel used in place of mail, or None."""
        return self.webhook or self.slack or self.teams or self.google_chat or self.sftp

    @property
    def details_asked(self) -> set[str]:
        """Return the keys of a recipient that the filters use."""
        values = [value for texts in self.filters.model_dump().values() for value in texts]
        return {name for value in values for name in _DETAIL.findall(value)}

    @property
    def masks(self) -> bool:
        """Return whether any recipient gets pseudonyms that the report itself does not have."""
        return bool(self.mask_contacts) or any(recipient.mask_contacts for recipient in self.recipients)

    def part_of(self, recipient: Recipient) -> Filters:
        """Return the filters with the details of *recipient* filled in."""
        return Filters(
            **{
                name: tuple(_DETAIL.sub(lambda match: recipient.details[match[1]], text) for text in values)
                for name, values in self.filters.model_dump().items()
            }
        )
