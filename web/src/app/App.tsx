// Which view is shown at which path, and for whom.

import { lazy } from "react";
import { Redirect, Route, Switch } from "wouter";
import { PATHS, privatePlace, roomPlace } from "./routes";
import { useSession } from "./session";
import { Shell } from "./Shell";
import { ConversationView } from "../views/conversation/ConversationView";
import { Welcome } from "../views/conversation/Welcome";
import { LoadBoundary } from "../ui/LoadBoundary";

// Few come here, and rarely: not part of the first load.
const AuthView = lazy(() => import("../views/auth/AuthView"));
const RequestsView = lazy(() => import("../views/requests/RequestsView"));
const SettingsView = lazy(() => import("../views/settings/SettingsView"));

export function App() {
  const { client, api } = useSession();
  if (api.credentials.current === null) {
    return (
      <LoadBoundary>
        <Switch>
          <Route path={PATHS.register}>
            <AuthView mode="register" />
          </Route>
          <Route>
            <AuthView mode="login" />
          </Route>
        </Switch>
      </LoadBoundary>
    );
  }
  if (client === null) return null;
  return (
    <Shell>
      <Switch>
        <Route path={PATHS.home}>
          <Welcome />
        </Route>
        <Route path={PATHS.room}>
          {({ id }) => <ConversationView key={id} place={roomPlace(id)} />}
        </Route>
        <Route path={PATHS.private}>
          {({ id }) => <ConversationView key={id} place={privatePlace(id)} />}
        </Route>
        <Route path={PATHS.requests}>
          <LoadBoundary>
            <RequestsView />
          </LoadBoundary>
        </Route>
        <Route path={PATHS.settings}>
          {({ page }) => (
            <LoadBoundary>
              <SettingsView page={page ?? ""} />
            </LoadBoundary>
          )}
        </Route>
        <Route>
          <Redirect to={PATHS.home} />
        </Route>
      </Switch>
    </Shell>
  );
}
