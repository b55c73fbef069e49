"""Where people log in and out."""

from django.urls import path

from cellenium_admin.core.oidc.views import BeginView, CallbackView, LoginPage, LogoutView, refused_page

urlpatterns = [
    path("login/", LoginPage.as_view(), name="login"),
    path("login/refused/", refused_page, name="login-refused"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("oidc/authenticate/", BeginView.as_view(), name="oidc_authentication_init"),
    path("oidc/callback/", CallbackView.as_view(), name="oidc_authentication_callback"),
    # The name the library's middleware asks for; the view is the same.
    path("oidc/logout/", LogoutView.as_view(), name="oidc_logout"),
]
