package main

// promise is a sentence that customers and operators may rely on, with the tests that would fail if it didn't hold.
type promise struct {
	Says  string
	Tests []proof
}

// proof is a test of a package. The number that it logs is on the page.
type proof struct {
	Package string
	Test    string
}

// promises are those that stand today, in the order of the page.
var promises = []promise{
	{"A change that was acknowledged is obeyed by every environment within 10 s, while the store can be read", []proof{
		{Package: "./infra/e2e/gates", Test: "TestProcessesObeyEveryRevokeWithinTenSeconds"},
		{Package: "./authorizer", Test: "TestEveryEnvironmentObeysARevokeWithinTenSeconds"},
	}},
	{"A leaked secret that a signed report names is refused by every environment within 10 s of the report's answer, and of the moment from which the environment can read the store", []proof{
		{Package: "./infra/e2e/gates", Test: "TestProcessesObeyEveryLeakReportWithinTenSeconds"},
		{Package: "./authorizer", Test: "TestEveryLeakIsRefusedWithinTenSeconds"},
		{Package: "./authorizer", Test: "TestEndedSecretsAreRefusedOnceTheStoreCanBeRead"},
	}},
	{"A suspension of an account is obeyed by every environment within 10 s of its answer, while the store can be read, and the last of suspend and resume holds", []proof{
		{Package: "./authorizer", Test: "TestEverySuspensionIsObeyedWithinTenSeconds"},
		{Package: "./functions/accounts", Test: "TestAHundredSuspendsAndResumesAtOnceObeyTheLast"},
		{Package: "./functions/accounts", Test: "TestASuspensionIsOneWriteThatTheGateReads"},
	}},
	{"No deployment and no change of the catalogue lets a key do what its owner hasn't agreed to", []proof{
		{Package: "./shared/authz", Test: "TestNoDeploymentWidensAKey"},
		{Package: "./functions/accounts", Test: "TestWhatAnOwnerAcceptsIsOpenToAllKeysOfTheAccount"},
		{Package: "./functions/accounts", Test: "TestAnAcceptedCatalogueIsRemembered"},
	}},
	{"While the store can't be read, known keys go on until their record is as old as the outage bound (OutageBoundMinutes: 15 by default, 180 at most); unknown ones are answered 503, never 401", []proof{
		{Package: "./authorizer", Test: "TestTheOutageBoundEndsWhatIsServedWithoutTheStore"},
		{Package: "./authorizer", Test: "TestKnownKeysLiveThroughAnOutageOfFifteenMinutes"},
		{Package: "./authorizer", Test: "TestAnOutageCostsWhatItsPhaseCosts"},
		{Package: "./authorizer", Test: "TestNothingOfAnOutageIsLeft"},
	}},
	{"A limit of n calls a second admits at most n x (t + 1) calls in any t whole seconds up to 100, n x (t + 2) above, over all environments, while the lease table answers", []proof{
		{Package: "./shared/limiter", Test: "TestNeverOverTheBoundInAnyIntervalWhateverFails"},
		{Package: "./infra/e2e/gates", Test: "TestSixteenProcessesKeepALimitTogether"},
	}},
	{"An account's limit a second holds over all its keys as a key's own does, and beside it", []proof{
		{Package: "./shared/limiter", Test: "TestBothBoundsHoldWhateverFails"},
		{Package: "./shared/limiter", Test: "TestSixKeysUnderOneAccountAreAdmittedItsLimit"},
		{Package: "./infra/e2e", Test: "TestSixKeysKeepTheirAccountsLimitTogether"},
	}},
	{"In a day or month an account is never admitted more calls than its quota, over all environments and whatever dies, while the quotas table can be written", []proof{
		{Package: "./shared/limiter/quota", Test: "TestNeverOverAQuotaWhateverFails"},
		{Package: "./infra/e2e/gates", Test: "TestProcessesKeepAQuotaTogether"},
		{Package: "./infra/e2e", Test: "TestAnAccountsQuotaHoldsOverAllEnvironments"},
	}},
	{"After the quotas table was lost or restored, a run of its job leaves no quota to be served again that is counted", []proof{
		{Package: "./functions/jobs", Test: "TestAQuotaIsNotServedAgainAfterItsTableWasLost"},
		{Package: "./functions/jobs", Test: "TestARefillThatIsInterruptedAnywhereIsRepeated"},
	}},
	{"Each part of a quota that is reached is told once, however reports are repeated and wherever a run ends", []proof{
		{Package: "./functions/counter", Test: "TestReachedQuotasAreToldOnceByManyConsumers"},
		{Package: "./functions/counter", Test: "TestEachThresholdIsToldOnceWhereverARunEnds"},
	}},
	{"A statement and its adjustments equal the counters and the calls that were made, to the call; a final one never changes", []proof{
		{Package: "./functions/jobs", Test: "TestStatementAndAdjustmentsEqualCountersAndLedgerToTheCall"},
		{Package: "./functions/jobs", Test: "TestARunThatIsInterruptedAnywhereIsTakenUp"},
		{Package: "./functions/jobs", Test: "TestAComparisonThatIsInterruptedAnywhereIsTakenUp"},
		{Package: "./functions/jobs", Test: "TestAFinalStatementIsComparedWithTheReportsThatAreThere"},
		{Package: "./shared/dynamo/statements", Test: "TestContractOnTheEngine"},
		{Package: "./functions/usage", Test: "TestABreakdownWhileCountersAreReadIsAnError"},
	}},
	{"No call is counted twice, and none is lost but the last 5 s of an environment that dies", []proof{
		{Package: "./functions/counter", Test: "TestCountersEqualTheLedgerToTheUnit"},
		{Package: "./authorizer", Test: "TestEveryDecisionOfAKnownKeyIsCountedAndNoOther"},
		{Package: "./infra/e2e/gates", Test: "TestAKilledProcessLosesAtMostItsLastFiveSecondsAndAnEndedOneNothing"},
	}},
	{"At most one read of the store for a key in 5 s and environment, and none for a malformed key", []proof{
		{Package: "./authorizer", Test: "TestOneReadPerKeyAndFiveSecondsHoweverManyCalls"},
		{Package: "./authorizer", Test: "TestMalformedKeysReadNothing"},
	}},
	{"A secret is in no answers but those of create, rotate and reveal, and in no log, event, record or export", []proof{
		{Package: "./functions/keys", Test: "TestSecretsAreInTheirOneAnswerAndNowhereElse"},
		{Package: "./infra/e2e", Test: "TestTheScanFindsASecretInEachOfItsForms"},
	}},
	{"Another account's objects answer exactly as those that don't exist, and each role may what it may", []proof{
		{Package: "./functions/keys", Test: "TestEveryOperationIsOpenToItsRolesAlone"},
		{Package: "./functions/accounts", Test: "TestEveryOperationIsOpenToItsRolesAlone"},
		{Package: "./functions/qps", Test: "TestEveryOperationIsOpenToItsRolesAlone"},
	}},
	{"Two changes of a key at once are as one after the other: a block or a revoke is never lost to a race", []proof{
		{Package: "./functions/keys", Test: "TestTwoChangesOfAKeyAtOnceAreAsOneAfterTheOther"},
		{Package: "./functions/rotation", Test: "TestTwoChangesOfARotationAtOnceAreAsOneAfterTheOther"},
	}},
	{"The answer to one call never reaches another caller", []proof{
		{Package: "./authorizer/internal/runtimeapi", Test: "TestTheLoopKeepsTheRulesOfTheRuntimeAPI"},
	}},
	{"No text that people type may hold a secret, in any of the spellings in which one is carried", []proof{
		{Package: "./shared/text", Test: "TestNoTextThatIsTakenHoldsASecret"},
	}},
	{"A token in which a claim's name comes twice, or in another spelling, opens nothing", []proof{
		{Package: "./functions/internal/openid", Test: "TestATokenWithANameTwiceOrFoldedNeverVerifies"},
	}},
	{"Data that stands stays: this release reads what the last one wrote, and the last one's gate and counter what this one writes", []proof{
		{Package: "./infra/e2e", Test: "TestRecordsOfTheLastReleaseWorkInThisOne"},
		{Package: "./infra/e2e", Test: "TestTheLastReleaseBearsWhatThisOneWrites"},
	}},
	{"One bad record stops no other, in jobs, streams and lists", []proof{
		{Package: "./shared/dynamo/control", Test: "TestEveryListIsPagedAndSurvivesBadRecords"},
		{Package: "./functions/counter", Test: "TestAPoisonRecordIsQuarantinedWholeAndTheRestCounted"},
		{Package: "./functions/rotator", Test: "TestOnePoisonedKeyStopsNoOther"},
		{Package: "./authorizer", Test: "TestAnUnreadableRecordRefusesThatKeyAlone"},
	}},
	{"Every alarm rings in the trouble that it is for, and is silent in a healthy hour", []proof{
		{Package: "./infra/contract", Test: "TestEveryAlarmOnOurMetricsFiresInItsTroubleAndNotInAHealthyHour"},
		{Package: "./infra/contract", Test: "TestEveryAlarmOnAWSMetricsWatchesTheRightPartAndFiresInItsTrouble"},
	}},
}
