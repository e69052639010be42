"""Pages below /billing/."""

from django.urls import path

from billing.views import buying, notices, orders, overview, subscription

app_name = "billing"
urlpatterns = [
    path("billing/", overview.overview, name="overview"),
    path("billing/buy/", buying.buy, name="buy"),
    path("billing/subscribe/", buying.subscribe, name="subscribe"),
    path("billing/returned/", buying.returned, name="returned"),
    path("billing/left/", buying.left, name="left"),
    path("billing/cancel/", subscription.cancel, name="cancel"),
    path("billing/resume/", subscription.resume, name="resume"),
    path("billing/portal/", subscription.portal, name="portal"),
    path("billing/orders/", orders.orders, name="orders"),
    path("billing/orders/<uuid:order_id>/", orders.order, name="order"),
    path("billing/orders/<uuid:order_id>/state/", orders.order_state, name="order-state"),
    path("billing/notices/<int:notice_id>/dismiss/", notices.dismiss, name="notice-dismiss"),
]
