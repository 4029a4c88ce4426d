package main

// routes lists the console's pages.
func (a *app) routes() {
	a.public("GET /assets/{file}", a.asset)
	a.person("GET /{$}", a.home)
	a.signInRoutes()
	a.sessionRoutes()
	a.homeRoutes()
	a.keyRoutes()
	a.domainRoutes()
	a.usageRoutes()
	a.statementRoutes()
	a.qpsRoutes()
	a.accountRoutes()
	a.operatorRoutes()
	a.leakRoutes()
	a.findingRoutes()
}
