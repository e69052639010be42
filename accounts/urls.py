from django.urls import path

from accounts import views

urlpatterns = [
    path("account/", views.account, name="account"),
    path("i18n/setlang/", views.set_language, name="set_language"),
]
