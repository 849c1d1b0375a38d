package console

import (
	"net/http"
	"slices"

	"github.com/tandemhub/tandem/internal/account"
)

// public is the right of everybody, signed in or not. It is spelled out, so that a route whose
// right was forgotten is nobody's.
const public account.Right = "public"

// A handler answers a request that may be answered. What it returns becomes an error page, or
// problem+json under /api/; until then it must not have written anything.
type handler func(w http.ResponseWriter, r *http.Request) error

// A route is one address. What writes has a name for the audit, and a method other than GET but
// for the links that sign in: the way back from an identity provider, and the demo's.
type route struct {
	method  string
	pattern string // as http.ServeMux has it, without the method
	right   account.Right
	handler handler
	audit   string // "" for what only reads
	asks    bool   // it writes nothing: what is asked about is too long for an address
	live    bool   // it goes on for as long as somebody listens: no time limit
	body    int64  // most bytes of its body; 0 = mostBody

	secret bool      // what is sent or answered is a secret or a person's data: nothing of it is kept, and it takes no Idempotency-Key
	api    operation // in place of a handler: what programs can ask for, described in the document
}

// routes are all addresses of the console.
func (c *console) routes() []route {
	return slices.Concat(c.signRoutes(), c.watchRoutes(), c.reviewRoutes(), c.connectionRoutes(), c.syncRoutes(), c.settingsRoutes(), c.demoRoutes(), c.apiRoutes())
}

// signRoutes are those of who somebody is: signing in, and the own account.
func (c *console) signRoutes() []route {
	return []route{
		{method: "GET", pattern: "/static/{hash}/{file...}", right: public, handler: c.files.show},
		{method: "GET", pattern: "/setup", right: public, handler: c.showSetup},
		{method: "POST", pattern: "/setup", right: public, handler: c.setUp, audit: "setup"},
		{method: "GET", pattern: "/login", right: public, handler: c.showLogin},
		{method: "POST", pattern: "/login", right: public, handler: c.signIn, audit: "sign.in"},
		{method: "GET", pattern: "/login/oidc", right: public, handler: c.goOutside},
		{method: "GET", pattern: "/login/oidc/callback", right: public, handler: c.comeBack, audit: "sign.in.oidc"},
		{method: "POST", pattern: "/logout", right: account.Own, handler: c.signOut, audit: "sign.out"},
		{method: "GET", pattern: "/account", right: account.Own, handler: c.showAccount},
		{method: "POST", pattern: "/account/password", right: account.Own, handler: c.changePassword, audit: "password.change"},
		{method: "POST", pattern: "/account/wishes", right: account.Own, handler: c.changeWishes, audit: "wishes.change"},
		{method: "POST", pattern: "/account/sessions/{id}/end", right: account.Own, handler: c.endSession, audit: "session.end"},
		{method: "POST", pattern: "/account/sessions/end", right: account.Own, handler: c.endSessions, audit: "session.end"},
		{method: "POST", pattern: "/account/tokens", right: account.Own, handler: c.addToken, audit: "token.add"},
		{method: "POST", pattern: "/account/tokens/{id}/revoke", right: account.Own, handler: c.revokeToken, audit: "token.revoke"},
	}
}

// watchRoutes are those of what happens and has happened, and of what is taken back.
func (c *console) watchRoutes() []route {
	return []route{
		{method: "GET", pattern: "/{$}", right: account.See, handler: c.showHome},
		{method: "GET", pattern: "/live", right: account.See, handler: c.live, live: true},
		{method: "GET", pattern: "/runs", right: account.See, handler: c.showRuns},
		{method: "GET", pattern: "/runs/{id}", right: account.See, handler: c.showRun},
		{method: "POST", pattern: "/runs/{id}/cancel", right: account.Run, handler: c.cancelRun, audit: "run.cancel"},
		{method: "POST", pattern: "/runs/{id}/again", right: account.Run, handler: c.runAgain, audit: "run.again"},
		{method: "GET", pattern: "/history", right: account.See, handler: c.showHistory},
		{method: "GET", pattern: "/records/{connection}/{object}/{id}", right: account.See, handler: c.showRecord},
		{method: "POST", pattern: "/reverts", right: account.Revert, handler: c.beginRevert, audit: "revert.preview"},
		{method: "GET", pattern: "/reverts/{id}", right: account.Revert, handler: c.showRevert},
		{method: "POST", pattern: "/reverts/{id}", right: account.Revert, handler: c.doRevert, audit: "revert"},
	}
}

// reviewRoutes are those of what people decide, and of reports.
func (c *console) reviewRoutes() []route {
	return []route{
		{method: "GET", pattern: "/review", right: account.See, handler: c.showReview},
		{method: "GET", pattern: "/review/many", right: account.Decide, handler: c.showMany},
		{method: "POST", pattern: "/review/many", right: account.Decide, handler: c.decideMany, audit: "review.decide"},
		{method: "GET", pattern: "/review/{id}", right: account.See, handler: c.showReviewItem},
		{method: "POST", pattern: "/review/{id}", right: account.Decide, handler: c.answerReview, audit: "review.decide"},
		{method: "GET", pattern: "/reports", right: account.See, handler: c.showReports},
		{method: "GET", pattern: "/reports/{report}", right: account.See, handler: c.showReport},
		{method: "GET", pattern: "/reports/{report}/{table}", right: account.See, handler: c.downloadTable},
	}
}

// connectionRoutes are those of systems and connections to them.
func (c *console) connectionRoutes() []route {
	return []route{
		{method: "GET", pattern: "/systems", right: account.See, handler: c.showSystems},
		{method: "GET", pattern: "/connections", right: account.See, handler: c.showConnections},
		{method: "GET", pattern: "/connections/new", right: account.Configure, handler: c.newConnection},
		{method: "GET", pattern: "/connections/{name}", right: account.See, handler: c.showConnection},
		{method: "POST", pattern: "/connections/{name}/test", right: account.Run, handler: c.testConnection, audit: "connection.test"},
		{method: "POST", pattern: "/connections/{name}/fields", right: account.Configure, handler: c.makeFields, live: true, audit: "connection.fields"},
		{method: "POST", pattern: "/connections/{name}/pause", right: account.Run, handler: c.pauseConnection, audit: "connection.pause"},
		{method: "POST", pattern: "/connections/{name}/resume", right: account.Run, handler: c.resumeConnection, audit: "connection.resume"},
		{method: "POST", pattern: "/connections/{name}/authorize", right: account.Secrets, handler: c.authorizeConnection, audit: "connection.authorize"},
		{method: "GET", pattern: "/oauth/{name}", right: account.Secrets, handler: c.finishAuthorize, audit: "connection.authorized"},
		{method: "POST", pattern: "/connections/{name}/revoke", right: account.Secrets, handler: c.revokeConnection, audit: "connection.revoke"},
		{method: "GET", pattern: "/connections/{name}/{object}", right: account.See, handler: c.browse},
		{method: "GET", pattern: "/connections/{name}/{object}/fields", right: account.See, handler: c.showFields},
		{method: "POST", pattern: "/connections/{name}/remove", right: account.Configure, handler: c.removeConnection, audit: "connection.remove"},
		{method: "POST", pattern: "/connections/new", right: account.Configure, handler: c.addConnection, audit: "connection.add"},
		{method: "GET", pattern: "/connections/new/saved", right: account.Configure, handler: c.showConnected},
	}
}

// syncRoutes are those of syncs.
func (c *console) syncRoutes() []route {
	return []route{
		{method: "POST", pattern: "/syncs/run", right: account.Run, handler: c.runAll, audit: "sync.run"},
		{method: "GET", pattern: "/syncs", right: account.See, handler: c.showSyncs},
		{method: "GET", pattern: "/syncs/{name}", right: account.See, handler: c.showSync},
		{method: "POST", pattern: "/syncs/{name}/run", right: account.Run, handler: c.runSync, audit: "sync.run"},
		{method: "POST", pattern: "/syncs/{name}/pause", right: account.Run, handler: c.pauseSync, audit: "sync.pause"},
		{method: "POST", pattern: "/syncs/{name}/resume", right: account.Run, handler: c.resumeSync, audit: "sync.resume"},
		{method: "GET", pattern: "/syncs/{name}/plan", right: account.See, handler: c.showPlan},
		{method: "POST", pattern: "/syncs/{name}/plan", right: account.Run, handler: c.planSync, audit: "sync.plan"},
		{method: "GET", pattern: "/syncs/{name}/verify", right: account.See, handler: c.showVerify},
		{method: "POST", pattern: "/syncs/{name}/verify", right: account.Run, handler: c.verifySync, audit: "sync.verify"},
		{method: "GET", pattern: "/syncs/new", right: account.Configure, handler: c.showNewSync},
		{method: "POST", pattern: "/syncs/new", right: account.Configure, handler: c.addSync, audit: "sync.add"},
		{method: "GET", pattern: "/syncs/new/saved", right: account.Configure, handler: c.showSaved},
		{method: "GET", pattern: "/syncs/{name}/mapping", right: account.Configure, handler: c.showMapping},
		{method: "POST", pattern: "/syncs/{name}/mapping", right: account.Configure, handler: c.tryMapping, asks: true},
		{method: "POST", pattern: "/syncs/{name}/mapping/save", right: account.Configure, handler: c.saveMapping, audit: "mapping.save"},
		{method: "GET", pattern: "/syncs/{name}/mapping/saved", right: account.Configure, handler: c.showMappingSaved},
	}
}

// settingsRoutes are those of the settings.
func (c *console) settingsRoutes() []route {
	return []route{
		{method: "GET", pattern: "/settings/people", right: account.People, handler: c.showPeople},
		{method: "POST", pattern: "/settings/people", right: account.People, handler: c.addPerson, audit: "user.add"},
		{method: "POST", pattern: "/settings/people/{id}/role", right: account.People, handler: c.changeRole, audit: "user.role"},
		{method: "POST", pattern: "/settings/people/{id}/password", right: account.People, handler: c.resetPassword, audit: "user.password"},
		{method: "POST", pattern: "/settings/people/{id}/remove", right: account.People, handler: c.removePerson, audit: "user.remove"},
		{method: "GET", pattern: "/settings/people/{id}/tokens", right: account.People, handler: c.showTokens},
		{method: "POST", pattern: "/settings/people/{id}/tokens/{token}/revoke", right: account.People, handler: c.revokeTokenOf, audit: "token.revoke"},
		{method: "GET", pattern: "/settings/audit", right: account.People, handler: c.showAudit},
		{method: "GET", pattern: "/settings/notifications", right: account.Configure, handler: c.showNotifications},
		{method: "POST", pattern: "/settings/notifications/test", right: account.Configure, handler: c.testNotifications, audit: "notify.test"},
		{method: "GET", pattern: "/settings/configuration", right: account.Configure, handler: c.showConfiguration},
		{method: "POST", pattern: "/settings/configuration", right: account.Configure, handler: c.editConfiguration, audit: "configuration.save", body: mostText},
		{method: "GET", pattern: "/settings/configuration/export", right: account.Configure, handler: c.exportConfiguration},
		{method: "POST", pattern: "/settings/configuration/adopt", right: account.Configure, handler: c.adoptConfiguration, audit: "configuration.adopt"},
		{method: "POST", pattern: "/settings/configuration/keep", right: account.Configure, handler: c.keepConfiguration, audit: "configuration.keep"},
		{method: "POST", pattern: "/settings/configuration/release", right: account.Configure, handler: c.releaseConfiguration, audit: "configuration.release"},
		{method: "GET", pattern: "/settings/configuration/{number}", right: account.Configure, handler: c.showVersion},
		{method: "POST", pattern: "/settings/configuration/{number}/rollback", right: account.Configure, handler: c.rollBack, audit: "configuration.rollback"},
		{method: "GET", pattern: "/settings/secrets", right: account.Secrets, handler: c.showSecrets},
		{method: "POST", pattern: "/settings/secrets", right: account.Secrets, handler: c.setSecret, audit: "secret.set"},
		{method: "POST", pattern: "/settings/secrets/{name}/remove", right: account.Secrets, handler: c.removeSecret, audit: "secret.remove"},
		{method: "POST", pattern: "/settings/key/rotate", right: account.Secrets, handler: c.rotateKey, audit: "key.rotate"},
		{method: "POST", pattern: "/settings/key/confirm", right: account.Secrets, handler: c.confirmKey, audit: "key.confirm"},
		{method: "GET", pattern: "/settings/person", right: account.Configure, handler: c.showPerson},
		{method: "POST", pattern: "/settings/person/find", right: account.Configure, handler: c.findPerson, audit: "person.preview"},
		{method: "POST", pattern: "/settings/person/export", right: account.Configure, handler: c.exportPerson, audit: "person.export"},
		{method: "POST", pattern: "/settings/person/erase", right: account.Configure, handler: c.erasePerson, live: true, audit: "person.erase"},
		{method: "GET", pattern: "/settings/database", right: account.Configure, handler: c.showDatabase},
		{method: "POST", pattern: "/settings/database/backup", right: account.Configure, handler: c.sendBackup, live: true, audit: "backup"},
	}
}

// demoRoutes are those of the demo.
func (c *console) demoRoutes() []route {
	return []route{
		{method: "GET", pattern: "/demo", right: account.See, handler: c.showDemo},
		{method: "GET", pattern: "/demo/enter", right: public, handler: c.enterDemo, audit: "sign.in.demo"},
		{method: "POST", pattern: "/demo/{trouble}/break", right: account.Run, handler: c.breakDemo, audit: "demo.break"},
		{method: "POST", pattern: "/demo/{trouble}/mend", right: account.Run, handler: c.mendDemo, audit: "demo.mend"},
	}
}
