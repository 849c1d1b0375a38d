package console

import (
	"slices"

	"github.com/tandemhub/tandem/internal/account"
)

// apiRoutes are the addresses for programs. What waits for an engine, or goes on for long, is live.
func (c *console) apiRoutes() []route {
	return slices.Concat(c.apiStatusRoutes(), c.apiConnectionRoutes(), c.apiSyncRoutes(), c.apiHistoryRoutes(), c.apiReviewRoutes(), c.apiSettingsRoutes(), c.apiOwnRoutes(), c.apiDemoRoutes())
}

// apiStatusRoutes are those of the document, and of how everything stands.
func (c *console) apiStatusRoutes() []route {
	return []route{
		{method: "GET", pattern: "/api/openapi.json", right: public, handler: c.showDocument},
		{method: "GET", pattern: "/api/docs", right: public, handler: c.showDocs},
		{method: "GET", pattern: "/api/v1/events", right: account.See, live: true, api: c.streams("status", "What happens, as server-sent events")},
		{method: "GET", pattern: "/api/v1/me", right: account.See, api: serves("status", "Who the caller is, and may", c.apiMe)},
		{method: "GET", pattern: "/api/v1/status", right: account.See, api: serves("status", "How everything stands", c.apiStatus)},
	}
}

// apiConnectionRoutes are those of connections and their records.
func (c *console) apiConnectionRoutes() []route {
	return []route{
		{method: "GET", pattern: "/api/v1/connections", right: account.See, api: serves("connections", "All connections", c.apiConnections)},
		{method: "GET", pattern: "/api/v1/connections/{id}", right: account.See, api: serves("connections", "A connection", c.apiConnection)},
		{method: "POST", pattern: "/api/v1/connections/{id}/test", right: account.Run, live: true, audit: "connection.test", api: serves("connections", "Try a connection", c.apiTest)},
		{method: "POST", pattern: "/api/v1/connections/{id}/fields", right: account.Configure, live: true, audit: "connection.fields", api: serves("connections", "Make the fields that syncs name and the system lacks, where its API allows", c.apiMakeFields)},
		{method: "POST", pattern: "/api/v1/connections/{id}/pause", right: account.Run, audit: "connection.pause", api: serves("connections", "Keep all syncs of a connection from running by themselves", c.apiPauseConnection)},
		{method: "POST", pattern: "/api/v1/connections/{id}/resume", right: account.Run, audit: "connection.resume", api: serves("connections", "Let them run by themselves again", c.apiResumeConnection)},
		{method: "POST", pattern: "/api/v1/connections/{id}/events", right: account.Run, audit: "connection.events", api: accepts("connections", "Pass on what a vendor has sent", c.apiBring)},
		{method: "POST", pattern: "/api/v1/connections/{id}/changes", right: account.Run, audit: "connection.changes", api: accepts("connections", "Say which records may have changed", c.apiHint)},
		{method: "GET", pattern: "/api/v1/systems", right: account.See, api: serves("connections", "Systems that can be connected, and what that takes", c.apiSystems)},
		{method: "GET", pattern: "/api/v1/systems/{id}", right: account.See, api: serves("connections", "A system", c.apiSystem)},
		{method: "POST", pattern: "/api/v1/connections", right: account.Configure, audit: "connection.add", secret: true, api: serves("connections", "Add a connection", c.apiConnect)},
		{method: "DELETE", pattern: "/api/v1/connections/{id}", right: account.Configure, audit: "connection.remove", api: serves("connections", "Take a connection out of the configuration", c.apiDisconnect)},
		{method: "POST", pattern: "/api/v1/connections/{id}/authorize", right: account.Secrets, audit: "connection.authorize", secret: true, api: serves("connections", "Begin the way on which a person agrees at the vendor, in a browser", c.apiAuthorize)},
		{method: "POST", pattern: "/api/v1/connections/{id}/revoke", right: account.Secrets, audit: "connection.revoke", api: serves("connections", "Give back at the vendor what a person granted", c.apiGiveBack)},
		{method: "GET", pattern: "/api/v1/connections/{id}/objects", right: account.See, api: serves("connections", "Its objects and their fields, with what they mean", c.apiObjects)},
		{method: "GET", pattern: "/api/v1/connections/{id}/objects/{object}/records", right: account.See, api: serves("connections", "Its records in the mirror, what changed last first", c.apiBrowse)},
		{method: "GET", pattern: "/api/v1/secrets", right: account.Secrets, api: serves("secrets", "The secrets by name; nobody can see one", c.apiSecrets)},
		{method: "PUT", pattern: "/api/v1/secrets/{id}", right: account.Secrets, audit: "secret.set", secret: true, api: serves("secrets", "Seal a secret", c.apiSeal)},
		{method: "DELETE", pattern: "/api/v1/secrets/{id}", right: account.Secrets, audit: "secret.remove", api: serves("secrets", "Remove a secret", c.apiUnseal)},
		{method: "GET", pattern: "/api/v1/records", right: account.See, api: serves("records", "Search records by phone, e-mail, name or id", c.apiRecords)},
		{method: "POST", pattern: "/api/v1/person/export", right: account.See, secret: true, audit: "person.export", api: serves("persons", "Everything that is known of a person", c.apiExportPerson)},
		{method: "POST", pattern: "/api/v1/person/erase/preview", right: account.See, secret: true, audit: "person.preview", api: serves("persons", "What erasing a person would be about", c.apiFindPerson)},
		// It cannot be taken back: an administrator's, as whatever changes what all others find.
		{method: "POST", pattern: "/api/v1/person/erase", right: account.Configure, live: true, secret: true, audit: "person.erase", api: serves("persons", "Erase a person in every system and here", c.apiErasePerson)},
	}
}

// apiSyncRoutes are those of syncs and their runs.
func (c *console) apiSyncRoutes() []route {
	return []route{
		{method: "GET", pattern: "/api/v1/syncs", right: account.See, api: serves("syncs", "All syncs", c.apiSyncs)},
		{method: "GET", pattern: "/api/v1/syncs/{id}", right: account.See, api: serves("syncs", "A sync", c.apiSync)},
		{method: "GET", pattern: "/api/v1/syncs/{id}/rules", right: account.See, api: serves("syncs", "Which fields a sync keeps in step, and how", c.apiRules)},
		{method: "POST", pattern: "/api/v1/syncs/{id}/run", right: account.Run, audit: "sync.run", api: accepts("syncs", "Run a sync as soon as nothing else works", c.apiRun)},
		{method: "POST", pattern: "/api/v1/syncs/{id}/pause", right: account.Run, audit: "sync.pause", api: serves("syncs", "Keep a sync from running by itself", c.apiPause)},
		{method: "POST", pattern: "/api/v1/syncs/{id}/resume", right: account.Run, audit: "sync.resume", api: serves("syncs", "Let a sync run by itself again", c.apiResume)},
		{method: "POST", pattern: "/api/v1/syncs/{id}/verify", right: account.Run, live: true, audit: "sync.verify", api: serves("syncs", "Compare all pairs with what the systems hold", c.apiVerify)},
		{method: "GET", pattern: "/api/v1/syncs/{id}/verify", right: account.See, api: serves("syncs", "How far a sync has been verified, and what was found", c.apiVerification)},
		{method: "POST", pattern: "/api/v1/syncs/{id}/verifications", right: account.Run, audit: "sync.verify", api: accepts("syncs", "Compare, in the background, all pairs with what the systems hold", c.apiBeginVerify)},
		{method: "POST", pattern: "/api/v1/syncs/{id}/plan", right: account.Run, audit: "sync.plan", api: accepts("syncs", "Find out, in the background, what a run would do", c.apiPlan)},
		{method: "GET", pattern: "/api/v1/syncs/{id}/plan", right: account.See, api: serves("syncs", "What a run would do: every record and every field", c.apiPlanned)},
		{method: "GET", pattern: "/api/v1/runs", right: account.See, api: serves("runs", "Runs, the newest first", c.apiRuns)},
		{method: "POST", pattern: "/api/v1/runs", right: account.Run, audit: "sync.run", api: accepts("runs", "Run all syncs, or some, as soon as nothing else works", c.apiRunAll)},
		{method: "GET", pattern: "/api/v1/runs/{id}", right: account.See, api: serves("runs", "A run, and how far it has come", c.apiOneRun)},
		{method: "POST", pattern: "/api/v1/runs/{id}/cancel", right: account.Run, audit: "run.cancel", api: accepts("runs", "End a run that is under way, which is as safe as a kill", c.apiCancel)},
		{method: "POST", pattern: "/api/v1/runs/{id}/again", right: account.Run, audit: "run.again", api: accepts("runs", "Run its sync once more: what failed is tried again", c.apiAgain)},
	}
}

// apiHistoryRoutes are those of what has happened, and of what is taken back.
func (c *console) apiHistoryRoutes() []route {
	return []route{
		{method: "GET", pattern: "/api/v1/history", right: account.See, api: serves("history", "The journal, the newest line first", c.apiHistory)},
		{method: "GET", pattern: "/api/v1/why", right: account.See, api: serves("history", "Why a record stands as it does", c.apiWhy)},
		{method: "POST", pattern: "/api/v1/revert/preview", right: account.Revert, live: true, audit: "revert.preview", api: serves("history", "What a revert would take back", c.apiPreviewRevert)},
		{method: "POST", pattern: "/api/v1/revert", right: account.Revert, live: true, audit: "revert", api: serves("history", "Take changes back", c.apiRevert)},
		{method: "GET", pattern: "/api/v1/reverts", right: account.Revert, api: serves("history", "What people have shown to be taken back, and what came of it", c.apiReverts)},
		{method: "POST", pattern: "/api/v1/reverts", right: account.Revert, audit: "revert.preview", api: accepts("history", "Look, in the background, at what a revert would take back", c.apiPropose)},
		{method: "GET", pattern: "/api/v1/reverts/{id}", right: account.Revert, api: serves("history", "A revert, and all that it takes back", c.apiProposed)},
		{method: "POST", pattern: "/api/v1/reverts/{id}/apply", right: account.Revert, audit: "revert", api: accepts("history", "Take back what was shown", c.apiApply)},
	}
}

// apiReviewRoutes are those of what people decide, and of reports.
func (c *console) apiReviewRoutes() []route {
	return []route{
		{method: "GET", pattern: "/api/v1/review", right: account.See, api: serves("review", "What waits for a person, the oldest first", c.apiReviews)},
		{method: "POST", pattern: "/api/v1/review", right: account.Decide, audit: "review.decide", api: serves("review", "Decide many items at once", c.apiDecideMany)},
		{method: "GET", pattern: "/api/v1/review/{id}", right: account.See, api: serves("review", "An item, and all about it", c.apiReview)},
		{method: "POST", pattern: "/api/v1/review/{id}/decide", right: account.Decide, audit: "review.decide", api: serves("review", "Decide an item", c.apiDecide)},
		{method: "POST", pattern: "/api/v1/review/{id}/edit", right: account.Decide, audit: "review.edit", api: serves("review", "Enter the right values", c.apiEdit)},
		{method: "GET", pattern: "/api/v1/reports/pipeline", right: account.See, api: serves("reports", "Deals by stage, month and source", c.apiPipeline)},
		{method: "GET", pattern: "/api/v1/reports/volume", right: account.See, api: serves("reports", "What was written in the last 30 days, by day and sync", c.apiVolume)},
		{method: "GET", pattern: "/api/v1/reports/latency", right: account.See, api: serves("reports", "How long what systems reported took until it was in step, by day, since the process began", c.apiLatency)},
		{method: "GET", pattern: "/api/v1/reports/problems", right: account.See, api: serves("reports", "Why records and runs do not get through", c.apiProblems)},
		{method: "GET", pattern: "/api/v1/reports/quota", right: account.See, api: serves("reports", "What was spent of vendors' budgets in the last 30 days, by day", c.apiQuota)},
	}
}

// apiSettingsRoutes are those of the configuration, of people, and of whom the hub tells what.
func (c *console) apiSettingsRoutes() []route {
	return []route{
		{method: "GET", pattern: "/api/v1/configuration", right: account.Configure, api: serves("configuration", "The configuration that counts", c.apiConfiguration)},
		{method: "PUT", pattern: "/api/v1/configuration", right: account.Configure, audit: "configuration.save", body: mostText, api: serves("configuration", "Save the next version", c.apiSave)},
		{method: "POST", pattern: "/api/v1/configuration/check", right: account.Configure, audit: "configuration.check", body: mostText, api: serves("configuration", "What is wrong with a text, and what it would change", c.apiCheckText)},
		{method: "GET", pattern: "/api/v1/configuration/versions", right: account.Configure, api: serves("configuration", "All versions, the newest first", c.apiVersions)},
		{method: "GET", pattern: "/api/v1/configuration/versions/{id}", right: account.Configure, api: serves("configuration", "A version, and by what it differs from another one", c.apiVersion)},
		{method: "POST", pattern: "/api/v1/configuration/versions/{id}/rollback", right: account.Configure, audit: "configuration.rollback", api: serves("configuration", "Make an old version the newest one", c.apiRollBack)},
		{method: "POST", pattern: "/api/v1/configuration/adopt", right: account.Configure, audit: "configuration.adopt", api: serves("configuration", "Keep the file's text in the database from now on", c.apiAdopt)},
		{method: "POST", pattern: "/api/v1/configuration/keep", right: account.Configure, audit: "configuration.keep", api: serves("configuration", "Go on with what was adopted, though the file was edited", c.apiKeep)},
		{method: "POST", pattern: "/api/v1/configuration/release", right: account.Configure, audit: "configuration.release", api: serves("configuration", "Let the file count again", c.apiRelease)},
		{method: "GET", pattern: "/api/v1/key", right: account.Secrets, api: serves("secrets", "The key under which secrets are sealed, by its fingerprint", c.apiKey)},
		{method: "POST", pattern: "/api/v1/key/rotate", right: account.Secrets, audit: "key.rotate", api: serves("secrets", "Make a new key, and seal everything anew under it", c.apiRotateKey)},
		{method: "POST", pattern: "/api/v1/key/confirm", right: account.Secrets, audit: "key.confirm", api: serves("secrets", "Check that the key in use opens everything, and remove the one before", c.apiConfirmKey)},
		{method: "GET", pattern: "/api/v1/database", right: account.Configure, api: serves("database", "What the database takes of the disk", c.apiDatabase)},
		{method: "POST", pattern: "/api/v1/database/backup", right: account.Configure, live: true, secret: true, audit: "backup", api: c.backups("database", "Take a backup along")},
		{method: "GET", pattern: "/api/v1/notifications", right: account.Configure, api: serves("notifications", "Who is told what, and what was told", c.apiNotifications)},
		{method: "POST", pattern: "/api/v1/notifications/test", right: account.Configure, audit: "notify.test", api: serves("notifications", "Send a message by every way", c.apiTryAlerts)},
		{method: "GET", pattern: "/api/v1/people", right: account.People, api: serves("people", "Who may sign in", c.apiPeople)},
		{method: "POST", pattern: "/api/v1/people", right: account.People, audit: "user.add", secret: true, api: serves("people", "Add a person", c.apiInvite)},
		{method: "POST", pattern: "/api/v1/people/{id}/role", right: account.People, audit: "user.role", api: serves("people", "Give a person another role", c.apiRole)},
		{method: "POST", pattern: "/api/v1/people/{id}/password", right: account.People, audit: "user.password", secret: true, api: serves("people", "Give a person another password", c.apiPassword)},
		{method: "DELETE", pattern: "/api/v1/people/{id}", right: account.People, audit: "user.remove", api: serves("people", "Remove a person, and sign them out everywhere", c.apiRemovePerson)},
		{method: "GET", pattern: "/api/v1/people/{id}/tokens", right: account.People, api: serves("people", "A person's tokens", c.apiTokensOf)},
		{method: "DELETE", pattern: "/api/v1/people/{id}/tokens/{token}", right: account.People, audit: "token.revoke", api: serves("people", "Revoke a token of a person", c.apiTakeTokenOf)},
		{method: "GET", pattern: "/api/v1/audit", right: account.People, api: serves("people", "Who did what, the newest first", c.apiAudit)},
	}
}

// apiOwnRoutes are those of somebody's own account. No token has the right: who has found one can
// neither make another nor keep the person out. They are for scripts in a browser that is signed in.
func (c *console) apiOwnRoutes() []route {
	return []route{
		{method: "GET", pattern: "/api/v1/tokens", right: account.Own, api: serves("own account", "One's own tokens", c.apiTokens)},
		{method: "POST", pattern: "/api/v1/tokens", right: account.Own, audit: "token.add", secret: true, api: serves("own account", "Make a token, which is shown this once", c.apiGiveToken)},
		{method: "DELETE", pattern: "/api/v1/tokens/{id}", right: account.Own, audit: "token.revoke", api: serves("own account", "Revoke a token", c.apiTakeToken)},
		{method: "PUT", pattern: "/api/v1/account/password", right: account.Own, audit: "password.change", secret: true, api: serves("own account", "Change the own password", c.apiExchange)},
		{method: "GET", pattern: "/api/v1/account/preferences", right: account.Own, api: serves("own account", "How the caller wants to see the console", c.apiWishes)},
		{method: "PUT", pattern: "/api/v1/account/preferences", right: account.Own, audit: "wishes.change", api: serves("own account", "Change that", c.apiSetWishes)},
		{method: "GET", pattern: "/api/v1/sessions", right: account.Own, api: serves("own account", "Where one is signed in", c.apiSessions)},
		{method: "DELETE", pattern: "/api/v1/sessions/{id}", right: account.Own, audit: "session.end", api: serves("own account", "End a session", c.apiEndSession)},
		{method: "DELETE", pattern: "/api/v1/sessions", right: account.Own, audit: "session.end", api: serves("own account", "End all sessions but this one", c.apiEndSessions)},
	}
}

// apiDemoRoutes are those of the demo. Without one nothing is there.
func (c *console) apiDemoRoutes() []route {
	return []route{
		{method: "GET", pattern: "/api/v1/demo", right: account.See, api: serves("demo", "How the demo gets on; there is one in tandem demo only", c.apiDemo)},
		{method: "POST", pattern: "/api/v1/demo/{id}/break", right: account.Run, audit: "demo.break", api: serves("demo", "Break something", c.apiBreak)},
		{method: "POST", pattern: "/api/v1/demo/{id}/mend", right: account.Run, audit: "demo.mend", api: serves("demo", "Mend it before its time", c.apiMend)},
	}
}
