internal import Foundation
internal import Mitigation

/// What a rule was expected to match, within its row.
struct StoredExpectation: Decodable {
    private var attackShare: Double
    private var attackSamples: Int
    private var normalShare: Double?
    private var normalSamples: Int
    /// Of all rules that were made beside it.
    private var rules: Int?
    private var rulesAttackShare: Double?
    private var rulesNormalShare: Double?

    init(_ expectation: RuleExpectation) {
        attackShare = expectation.attackShare
        attackSamples = expectation.attackSamples
        normalShare = expectation.normalShare
        normalSamples = expectation.normalSamples
        rules = expectation.together?.rules
        rulesAttackShare = expectation.together?.attackShare
        rulesNormalShare = expectation.together?.normalShare
    }

    private enum CodingKeys: String, CodingKey {
        case attackShare, attackSamples, normalShare, normalSamples, rules, rulesAttackShare, rulesNormalShare
    }

    var expectation: RuleExpectation {
        RuleExpectation(
            attackShare: attackShare,
            attackSamples: attackSamples,
            normalShare: normalShare,
            normalSamples: normalSamples,
            together: rules.map { rules in
                .init(rules: rules, attackShare: rulesAttackShare ?? attackShare, normalShare: rulesNormalShare)
            }
        )
    }
}

extension StoredExpectation: JSONValue {
    func write(into octets: inout [UInt8]) {
        var object = JSONObject<CodingKeys>()
        object.add(.attackShare, attackShare)
        object.add(.attackSamples, attackSamples)
        object.add(.normalShare, normalShare)
        object.add(.normalSamples, normalSamples)
        object.add(.rules, rules)
        object.add(.rulesAttackShare, rulesAttackShare)
        object.add(.rulesNormalShare, rulesNormalShare)
        octets += object.octets()
    }
}
