package app

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscognito"
	"github.com/aws/jsii-runtime-go"
)

// The attribute that says for which tenant a user acts, and the claim that it
// becomes in a token. It is set when an administrator creates the user, and
// nobody can change it afterwards.
const (
	tenantAttribute = "tenant"
	tenantClaim     = "custom:" + tenantAttribute
)

type identity struct {
	users  awscognito.UserPool
	client awscognito.UserPoolClient
}

func newIdentity(s *stack) identity {
	mfa := awscognito.Mfa_OPTIONAL
	if s.env.RequireMFA {
		mfa = awscognito.Mfa_REQUIRED
	}
	// The plan without extra charges, unless a feature of the other one is wanted.
	plan, protection := awscognito.FeaturePlan_LITE, awscognito.StandardThreatProtectionMode_NO_ENFORCEMENT
	if s.env.ThreatProtection {
		plan, protection = awscognito.FeaturePlan_PLUS, awscognito.StandardThreatProtectionMode_FULL_FUNCTION
	}
	users := awscognito.NewUserPool(s.Stack, jsii.String("Users"), &awscognito.UserPoolProps{
		SelfSignUpEnabled: jsii.Bool(false),
		SignInAliases:     &awscognito.SignInAliases{Email: jsii.Bool(true)},
		CustomAttributes: &map[string]awscognito.ICustomAttribute{
			tenantAttribute: awscognito.NewStringAttribute(&awscognito.StringAttributeProps{
				Mutable: jsii.Bool(false),
				MinLen:  jsii.Number(1),
				MaxLen:  jsii.Number(64),
			}),
		},
		PasswordPolicy: &awscognito.PasswordPolicy{
			MinLength:            jsii.Number(12),
			RequireLowercase:     jsii.Bool(true),
			RequireUppercase:     jsii.Bool(true),
			RequireDigits:        jsii.Bool(true),
			RequireSymbols:       jsii.Bool(true),
			TempPasswordValidity: awscdk.Duration_Days(jsii.Number(3)),
		},
		// Text messages cost money and trust in the network.
		Mfa:                          mfa,
		MfaSecondFactor:              &awscognito.MfaSecondFactor{Otp: jsii.Bool(true), Sms: jsii.Bool(false)},
		AccountRecovery:              awscognito.AccountRecovery_EMAIL_ONLY,
		FeaturePlan:                  plan,
		StandardThreatProtectionMode: protection,
		DeletionProtection:           jsii.Bool(s.env.DeletionProtection),
		RemovalPolicy:                s.env.RemovalPolicy,
	})
	client := awscognito.NewUserPoolClient(s.Stack, jsii.String("Client"), &awscognito.UserPoolClientProps{
		UserPool:                   users,
		AuthFlows:                  &awscognito.AuthFlow{UserSrp: jsii.Bool(true), AdminUserPassword: jsii.Bool(true)},
		DisableOAuth:               jsii.Bool(true),
		PreventUserExistenceErrors: jsii.Bool(true),
		EnableTokenRevocation:      jsii.Bool(true),
		AccessTokenValidity:        awscdk.Duration_Hours(jsii.Number(1)),
		IdTokenValidity:            awscdk.Duration_Hours(jsii.Number(1)),
		RefreshTokenValidity:       awscdk.Duration_Days(jsii.Number(1)),
		ReadAttributes: awscognito.NewClientAttributes().
			WithStandardAttributes(&awscognito.StandardAttributesMask{Email: jsii.Bool(true)}).
			WithCustomAttributes(jsii.String(tenantAttribute)),
		// Without a list a client may write everything, the tenant included.
		WriteAttributes: awscognito.NewClientAttributes().
			WithStandardAttributes(&awscognito.StandardAttributesMask{Fullname: jsii.Bool(true)}),
	})
	return identity{users: users, client: client}
}
