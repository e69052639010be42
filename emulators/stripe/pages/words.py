"""What the pages say, in English and Chinese."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "notice": "Test shop: no real money. Nothing here is charged.",
        "pay_title": "Pay",
        "subscribe_title": "Subscribe",
        "total": "Total due today",
        "once": "once",
        "day": "every day", "week": "every week", "month": "every month", "year": "every year",
        "email": "Email",
        "how": "Choose how the payment goes",
        "works": "Card that works",
        "declined": "Card that is declined",
        "delayed": "Bank debit: ordered now, the money comes later",
        "more": "More test cards",
        "no_funds": "Card without enough money",
        "expired_card": "Card that has expired",
        "renewal_fails": "Card that works now and fails at the next renewal",
        "disputed": "Card whose owner disputes the payment afterwards",
        "pay": "Pay {amount}",
        "subscribe": "Subscribe for {amount}",
        "back": "Go back to the shop",
        "complete": "This order has been paid for or placed already.",
        "expired": "This checkout has expired. Start again in the shop.",
        "missing": "There is no such page here.",
        "portal": "Your plan and invoices",
        "plan": "Plan",
        "no_plan": "You have no plan.",
        "renews": "Renews on {date}",
        "ends": "Ends on {date}",
        "over": "Ended on {date}",
        "owing": "The last payment failed. Choose another card, then pay the open invoice.",
        "cancel": "Cancel the plan",
        "keep": "Keep the plan",
        "card": "Payment method",
        "no_card": "None yet.",
        "expires": "expires {date}",
        "other_card": "Use another card",
        "change_card": "Use this card",
        "invoices": "Invoices",
        "no_invoices": "None yet.",
        "date": "Date", "number": "Number", "amount": "Amount", "status": "Status",
        "pay_now": "Pay now",
        "paid": "Paid", "open": "Open", "void": "Void", "draft": "Being prepared",
        "uncollectible": "Given up",
        "active": "Active", "past_due": "Payment overdue", "unpaid": "Unpaid",
        "canceled": "Ended", "incomplete": "Not paid yet", "incomplete_expired": "Never paid",
        "trialing": "On trial",
        "invoice": "Invoice", "receipt": "Receipt", "bill_to": "For", "pdf": "Download as PDF",
        "refunded": "Refunded",
        "paid_with": "Paid with",
        "processing": "The bank has been asked; the money is on its way.",
        "saved": "Done.",
    },
    "zh": {
        "notice": "测试商店：不涉及真实资金，这里不会扣款。",
        "pay_title": "付款",
        "subscribe_title": "订阅",
        "total": "今日应付",
        "once": "一次性",
        "day": "每天", "week": "每周", "month": "每月", "year": "每年",
        "email": "电子邮箱",
        "how": "选择付款结果",
        "works": "可以付款的银行卡",
        "declined": "会被拒绝的银行卡",
        "delayed": "银行转账：现在下单，款项稍后到账",
        "more": "更多测试卡",
        "no_funds": "余额不足的银行卡",
        "expired_card": "已过期的银行卡",
        "renewal_fails": "这次成功、下次续费失败的银行卡",
        "disputed": "付款后持卡人会提出争议的银行卡",
        "pay": "支付 {amount}",
        "subscribe": "订阅，{amount}",
        "back": "返回商店",
        "complete": "此订单已付款或已提交。",
        "expired": "此结账页面已过期，请回到商店重新开始。",
        "missing": "没有这个页面。",
        "portal": "您的套餐与账单",
        "plan": "套餐",
        "no_plan": "您没有套餐。",
        "renews": "{date} 续费",
        "ends": "{date} 结束",
        "over": "已于 {date} 结束",
        "owing": "上次付款失败。请换一张卡，然后支付未结账单。",
        "cancel": "取消套餐",
        "keep": "保留套餐",
        "card": "付款方式",
        "no_card": "暂无。",
        "expires": "有效期至 {date}",
        "other_card": "换一张卡",
        "change_card": "使用这张卡",
        "invoices": "账单",
        "no_invoices": "暂无。",
        "date": "日期", "number": "编号", "amount": "金额", "status": "状态",
        "pay_now": "立即支付",
        "paid": "已付", "open": "未付", "void": "作废", "draft": "准备中",
        "uncollectible": "无法收款",
        "active": "有效", "past_due": "逾期未付", "unpaid": "未付",
        "canceled": "已结束", "incomplete": "尚未付款", "incomplete_expired": "从未付款",
        "trialing": "试用中",
        "invoice": "账单", "receipt": "收据", "bill_to": "付款人", "pdf": "下载 PDF",
        "refunded": "已退款",
        "paid_with": "付款方式",
        "processing": "已向银行发出请求，款项正在途中。",
        "saved": "已完成。",
    },
}  # fmt: skip

# What the bank says, where it is shown to a person.
_ZH_DECLINES: Final = {
    "Your card was declined.": "您的银行卡被拒绝。",
    "Your card has insufficient funds.": "您的银行卡余额不足。",
    "Your card has expired.": "您的银行卡已过期。",
}


class Language:
    """The words of one language; `say` fills them in."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.html_code = "zh-Hans" if code == "zh" else "en"
        self._words = WORDS[code]

    def say(self, name: str, **values: str) -> str:
        """The words of that name, not escaped."""
        return self._words[name].format(**values)

    def decline(self, message: str) -> str:
        """A bank's no."""
        return _ZH_DECLINES.get(message, message) if self.code == "zh" else message


def language_of(request: Request, *, locale: str | None = None) -> Language:
    """The session's own language, else the one the browser likes best of those there are."""
    if locale and locale != "auto":
        return Language("zh" if locale.startswith("zh") else "en")
    best, best_weight = "en", 0.0
    for part in request.headers.get("accept-language", "").lower().split(","):
        name, _, weight = part.strip().partition(";q=")
        code = name.split("-")[0]
        try:
            value = float(weight or 1)
        except ValueError:
            continue
        if code in WORDS and value > best_weight:
            best, best_weight = code, value
    return Language(best)
