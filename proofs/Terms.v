(* What a term of Checker.v stands for, and that the forms which it computes are the rows of Certificate.v. In words:
   certificates.md. *)
From Coq Require Import ZArith.
From mathcomp Require Import all_ssreflect all_algebra.
From Lipverify Require Import Arith Networks Norms Regions Rationals Checker Certificate Estimators.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Vectors.
Variable R : rcfType.
Add Ring Rring : (ring_laws R).
Notation val := (@value R).

Definition cv n (x : vec) : 'cV[R]_n := \col_i val (nth zero x i).
Definition rv n (x : vec) : 'rV[R]_n := \row_j val (nth zero x j).
Definition mat m n (J : seq vec) : 'M[R]_(m, n) := \matrix_(i, j) val (nth zero (nth [::] J i) j).
Definition rmat k n (rs : seq linrow) : 'M[R]_(k, n) := \matrix_(i, j) val (nth zero (nth row0 rs i).1 j).
Definition rcol k (rs : seq linrow) : 'cV[R]_k := \col_i val (nth row0 rs i).2.

(* The network that a term stands for, with m outputs and k inputs. *)
Fixpoint sem m k (N : network) : net R m k :=
  match N with
  | Last W b => Output (mat m k W) (cv m b)
  | Layer W b sl rest =>
      Hidden (mat (size W) k W) (cv (size W) b) (\col_i val (nth slope0 sl i).1) (\col_i val (nth slope0 sl i).2)
        (sem m (size W) rest)
  end.

Lemma nth_vadd x y j : val (nth zero (vadd x y) j) = val (nth zero x j) + val (nth zero y j).
Proof.
elim: x y j => [|a x IH] [|b y] j /=; rewrite ?nth_nil ?value0 ?add0r ?addr0 //.
by case: j => [|j] /=; rewrite ?valueD ?IH.
Qed.

Lemma nth_vscale c x j : val (nth zero (vscale c x) j) = val c * val (nth zero x j).
Proof.
have [lt_j|ge_j] := ltnP j (size x); first by rewrite (nth_map zero) ?valueM.
by rewrite !nth_default ?size_map // value0 mulr0.
Qed.

Lemma dotP n x y : (size y <= n)%N -> val (dot x y) = \sum_(j < n) val (nth zero x j) * val (nth zero y j).
Proof.
elim: y x n => [|b y IH] [|a x] n /=; rewrite ?value0 => le_n.
- by rewrite big1 // => j _; rewrite !nth_nil value0 mul0r.
- by rewrite big1 // => j _; rewrite nth_nil value0 mulr0.
- by rewrite big1 // => j _; rewrite nth_nil value0 mul0r.
by case: n le_n => // n le_n; rewrite valueD valueM big_ord_recl /= (IH _ n).
Qed.

Lemma combineP k w rs : size rs = k ->
  (forall j, val (nth zero (combine w rs).1 j) = \sum_(i < k) val (nth zero w i) * val (nth zero (nth row0 rs i).1 j)) /\
  val (combine w rs).2 = \sum_(i < k) val (nth zero w i) * val (nth row0 rs i).2.
Proof.
move=> <-; elim: rs w => [|r rs IH] [|a w] /=; rewrite ?big_ord0 ?value0; try by split=> // j; rewrite ?big_ord0 ?nth_nil value0.
  by split=> [j|]; rewrite ?nth_nil ?value0 big1 // => i _; rewrite nth_nil value0 mul0r.
have [IH1 IH2] := IH w; case: ifP => a0.
  move: a0; rewrite (value_is0 R) => /eqP a0.
  by split=> [j|]; rewrite big_ord_recl /= a0 mul0r add0r ?IH1 ?IH2.
split=> [j|] /=; first by rewrite big_ord_recl /= nth_vadd nth_vscale IH1.
by rewrite big_ord_recl /= valueD valueM IH2.
Qed.

Lemma size_affine W b rs : size (affine W b rs) = size W.
Proof. by elim: W b => //= w W IH b; rewrite IH. Qed.

Lemma nth_affine1 W b rs i : (nth row0 (affine W b rs) i).1 = (combine (nth [::] W i) rs).1.
Proof.
by elim: W b i => [|w W IH] b [|i] //=; rewrite ?nth_nil //= IH.
Qed.

Lemma nth_affine2 W b rs i : (i < size W)%N ->
  (nth row0 (affine W b rs) i).2 = add (combine (nth [::] W i) rs).2 (nth zero b i).
Proof. by elim: W b i => [|w W IH] b [|i] //= lt_i; rewrite ?nth0 // IH // nth_behead. Qed.

Lemma rmat_affine m k n W b rs : size rs = k -> rmat m n (affine W b rs) = mat m k W *m rmat k n rs.
Proof.
move=> size_rs; apply/matrixP=> i j; rewrite !mxE nth_affine1 (combineP _ size_rs).1.
by apply: eq_bigr => l _; rewrite !mxE.
Qed.

Lemma rcol_affine k W b rs : size rs = k -> rcol (size W) (affine W b rs) = mat (size W) k W *m rcol k rs + cv (size W) b.
Proof.
move=> size_rs; apply/colP=> i; rewrite !mxE nth_affine2 // valueD (combineP _ size_rs).2; congr (_ + _).
by apply: eq_bigr => l _; rewrite !mxE.
Qed.

Lemma flatP n x : reflect (rv n x = 0) (flat n x).
Proof.
apply: (iffP (all_nthP zero)) => [zeros|e j].
  apply/rowP=> j; rewrite !mxE; apply/eqP; rewrite -value_is0.
  have [lt_j|ge_j] := ltnP j (size x); last by rewrite nth_default.
  by rewrite -(nth_take (n0 := n)) //; apply: zeros; rewrite size_take; case: ifP.
rewrite size_take => lt_j; have lt_jn : (j < n)%N.
  by move: lt_j; case: ifP => // /negbT; rewrite -leqNgt => ge_n /leq_trans; apply.
by rewrite nth_take // (value_is0 R); move/rowP: e => /(_ (Ordinal lt_jn)); rewrite !mxE => ->.
Qed.

Lemma linearP p : linear p -> val p.1 = val p.2.
Proof. by rewrite /linear (value_is0 R) valueD valueN subr_eq0 => /eqP. Qed.

Lemma rmat_identity n : rmat n n (identity n) = 1%:M.
Proof.
apply/matrixP=> i j; rewrite !mxE (nth_map 0%N) ?size_iota // nth_iota //= /unit_vec nth_ncons add0n.
rewrite -(inj_eq val_inj) /=; case: ltngtP => [lt_ji|lt_ij|e].
- by rewrite value0.
- by rewrite nth_default ?value0 //= subn_gt0.
by rewrite e subnn /= value1.
Qed.

Lemma rcol_identity n : rcol n (identity n) = 0.
Proof. by apply/colP=> i; rewrite !mxE (nth_map 0%N) ?size_iota // value0. Qed.

(* Signs of a node, and the patterns that agree with them. *)
Definition fits (o : option bool) (lin b : bool) : bool := if o is Some b' then lin || (b == b') else true.

Fixpoint agrees m k N : pattern (sem m k N) -> signs -> Prop :=
  match N return pattern (sem m k N) -> signs -> Prop with
  | Last _ _ => fun _ _ => True
  | Layer W b sl rest => fun s nd =>
      (forall i : 'I_(size W), fits (nth None nd i) (linear (nth slope0 sl i)) (s.1 i)) /\
      agrees s.2 (drop (size W) nd)
  end.

Fixpoint sides m k N : pattern (sem m k N) -> seq bool :=
  match N return pattern (sem m k N) -> seq bool with
  | Last _ _ => fun _ => [::]
  | Layer W b sl rest => fun s => [seq s.1 i | i <- enum 'I_(size W)] ++ sides s.2
  end.

Lemma nth_sides_here k (s : 'I_k -> bool) more (i : 'I_k) : nth false ([seq s i | i <- enum 'I_k] ++ more) i = s i.
Proof. by rewrite nth_cat size_map size_enum_ord ltn_ord (nth_map i) ?size_enum_ord // nth_ord_enum. Qed.

Lemma agrees_flat m k N (s : pattern (sem m k N)) nd :
  agrees s nd <-> forall i, (i < size (linears N))%N -> fits (nth None nd i) (nth true (linears N) i) (nth false (sides s) i).
Proof.
elim: N k s nd => [W b|W b sl rest IH] k s nd; first by split.
have here (i : 'I_(size W)) : nth true (linears (Layer W b sl rest)) i = linear (nth slope0 sl i).
  by rewrite /= nth_cat size_map size_iota ltn_ord (nth_map 0%N) ?size_iota // nth_iota.
have above i : nth true (linears (Layer W b sl rest)) (size W + i) = nth true (linears rest) i.
  by rewrite /= nth_cat size_map size_iota ltnNge leq_addr addKn.
have above_side i : nth false (sides s) (size W + i) = nth false (sides s.2) i.
  by rewrite /= nth_cat size_map size_enum_ord ltnNge leq_addr addKn.
have size_l : size (linears (Layer W b sl rest)) = (size W + size (linears rest))%N.
  by rewrite /= size_cat size_map size_iota.
split=> [[fit rest_fits] i lt_i|all_fit].
  have [lt_iW|ge_iW] := ltnP i (size W).
    by have := fit (Ordinal lt_iW); rewrite -here -(nth_sides_here s.1 (sides s.2)).
  rewrite -(subnKC ge_iW) above above_side -nth_drop; apply: (proj1 (IH _ s.2 _) rest_fits).
  by rewrite -(ltn_add2l (size W)) subnKC // -size_l.
split=> [i|].
  rewrite -here -(nth_sides_here s.1 (sides s.2)); apply: all_fit.
  by rewrite size_l (leq_trans (ltn_ord i)) ?leq_addr.
apply/IH => i lt_i; rewrite nth_drop -above -above_side; apply: all_fit.
by rewrite size_l ltn_add2l.
Qed.

Lemma agrees_decide m k N (s : pattern (sem m k N)) nd i : agrees s nd -> agrees s (decide nd i (nth false (sides s) i)).
Proof.
move=> /agrees_flat fit; apply/agrees_flat => j lt_j; rewrite /decide nth_set_nth /=.
by case: eqP => [->|_]; [rewrite /fits eqxx orbT | exact: fit].
Qed.

Lemma agrees_root m k N (s : pattern (sem m k N)) : agrees s (root N).
Proof.
apply/agrees_flat => i lt_i; rewrite /root (nth_map true) //.
by case lin: (nth true (linears N) i) => //=; rewrite /fits.
Qed.

(* Forms. *)
Section Open.
Variable n : nat.
Notation row_at f b := (Row (rv n f.1) (val f.2) b).

Lemma size_settle forms nd : size (settle n forms nd) = size forms.
Proof. by elim: forms nd => //= f forms IH nd; rewrite IH. Qed.

Lemma nth_settle forms nd i : (i < size forms)%N ->
  nth None (settle n forms nd) i = if nth None nd i is Some b then Some b else
    if flat n (nth row0 forms i).1 then Some (gt0 (nth row0 forms i).2) else None.
Proof. by elim: forms nd i => //= f forms IH nd [|i] lt_i /=; rewrite ?nth0 // IH // nth_behead. Qed.

Lemma size_activated forms sl nd : size (activated forms sl nd) = size forms.
Proof. by elim: forms sl nd => //= f forms IH sl nd; rewrite IH. Qed.

Lemma nth_activated forms sl nd i : (i < size forms)%N ->
  nth row0 (activated forms sl nd) i =
    rscale (if nth None nd i is Some true then (nth slope0 sl i).2 else (nth slope0 sl i).1) (nth row0 forms i).
Proof. by elim: forms sl nd i => //= f forms IH sl nd [|i] lt_i /=; rewrite ?nth0 // IH // !nth_behead. Qed.

(* With signs for every neuron of a layer that fit a pattern, its slopes are the pattern's. *)
Lemma slope_fits k sl (s : {ffun 'I_k -> bool}) nd (i : 'I_k) :
  isSome (nth None nd i) -> fits (nth None nd i) (linear (nth slope0 sl i)) (s i) ->
  val (if nth None nd i is Some true then (nth slope0 sl i).2 else (nth slope0 sl i).1) =
    (if s i then val (nth slope0 sl i).2 else val (nth slope0 sl i).1).
Proof.
case: (nth None nd i) => //= b _ /orP[/linearP e|/eqP->]; last by case: b.
by case: b; case: (s i); rewrite ?e.
Qed.

Lemma activated_next k (W : seq vec) b sl rs nd (s : {ffun 'I_(size W) -> bool}) (forms := affine W b rs) :
  size rs = k -> (forall i : 'I_(size W), isSome (nth None nd i)) ->
  (forall i : 'I_(size W), fits (nth None nd i) (linear (nth slope0 sl i)) (s i)) ->
  let D := slope_of (\col_i val (nth slope0 sl i).1) (\col_i val (nth slope0 sl i).2) s in
  rmat (size W) n (activated forms sl nd) = D *m (mat (size W) k W *m rmat k n rs) /\
  rcol (size W) (activated forms sl nd) = D *m (mat (size W) k W *m rcol k rs + cv (size W) b).
Proof.
move=> size_rs some fit D; rewrite -(rmat_affine (size W) n W b size_rs) -(rcol_affine W b size_rs).
split.
  apply/matrixP=> i j; rewrite mul_diag_mx !mxE nth_activated ?size_affine // nth_vscale.
  by rewrite (slope_fits (some i) (fit i)).
apply/colP=> i; rewrite mul_diag_mx !mxE nth_activated ?size_affine //= valueM.
by rewrite (slope_fits (some i) (fit i)).
Qed.

Lemma member_nth (T : eqType) (f : T -> row_of R n) js j : j \in js -> member (f j) [seq f j | j <- js].
Proof. by elim: js => //= i js IH; rewrite inE => /orP[/eqP->|/IH]; [left | right]. Qed.

Lemma openP m k N (s : pattern (sem m k N)) nd rs (v := open n N nd rs) : size rs = k -> agrees s nd ->
  canonical s (rmat k n rs) (rcol k rs) ->
  [/\ agrees s v.1.1,
   forall i, (i < size v.1.2)%N ->
     member (row_at (nth row0 v.1.2 i) (nth false (sides s) i)) (rows s (rmat k n rs) (rcol k rs)) &
   forall J, v.2 = Some J -> jacobian s *m rmat k n rs = mat m n J].
Proof.
rewrite /v {v}; elim: N k s nd rs => [W b|W b sl rest IH] k s nd rs size_rs /=.
  move=> _ _; split=> // J [<-]; rewrite -(rmat_affine m n W b size_rs); apply/matrixP=> i j; rewrite !mxE.
  have [lt_i|ge_i] := ltnP i (size (affine W b rs)); first by rewrite (nth_map row0).
  by rewrite !nth_default ?size_map.
move=> [fit above] canon; set forms := affine W b rs; set here := settle n forms nd.
have here_i (i : 'I_(size W)) : member (row_at (nth row0 forms i) (s.1 i)) (@rows R n m k (sem m k (Layer W b sl rest)) s (rmat k n rs) (rcol k rs)).
  apply/member_cat; left; rewrite -(rmat_affine (size W) n W b size_rs) -(rcol_affine W b size_rs) -/forms.
  have -> : row_at (nth row0 forms i) (s.1 i) =
    Row (row i (rmat (size W) n forms)) ((rcol (size W) forms) i 0) (s.1 i).
    by congr Row; [apply/rowP=> j; rewrite !mxE | rewrite mxE].
  by apply: (member_nth (fun i => Row (row i _) (_ i 0) (s.1 i))); rewrite mem_enum.
have fit' (i : 'I_(size W)) : fits (nth None here i) (linear (nth slope0 sl i)) (s.1 i).
  rewrite nth_settle ?size_affine //; have := fit i; case: (nth None nd i) => // _.
  case: flatP => // flat_i; have := canon _ (here_i i) flat_i; rewrite /= => ->.
  by rewrite -value_gt0 /fits eqxx orbT.
have size_here : size here = size W by rewrite size_settle size_affine.
have known_here i : (i < size forms)%N ->
    member (row_at (nth row0 forms i) (nth false (sides s) i)) (@rows R n m k (sem m k (Layer W b sl rest)) s (rmat k n rs) (rcol k rs)).
  by rewrite size_affine => lt_i; have := here_i (Ordinal lt_i); rewrite -(nth_sides_here s.1 (sides s.2)).
case: ifP => [all_some|_]; last first.
  split=> //; split=> [i|]; first by rewrite nth_cat size_here ltn_ord fit'.
  by rewrite drop_size_cat.
have some (i : 'I_(size W)) : isSome (nth None here i) by apply: (allP all_some); apply: mem_nth; rewrite size_here.
have [eA ec] := @activated_next k W b sl rs here s.1 size_rs some fit'.
have canon' : canonical s.2 (rmat (size W) n (activated forms sl here)) (rcol (size W) (activated forms sl here)).
  by rewrite eA ec => q q_in; apply: canon; apply/member_cat; right.
have := IH (size W) s.2 (drop (size W) nd) (activated forms sl here) _ above canon'.
case: (open n rest _ _) => [[nd' known] J] /= [|agree' known' jac]; first by rewrite size_activated size_affine.
split.
- split=> [i|]; first by rewrite nth_cat size_here ltn_ord.
  by rewrite drop_size_cat.
- move=> i; rewrite size_cat (nth_cat row0).
  have [lt_i _|ge_i lt_i] := ltnP i (size forms); first exact: known_here.
  apply/member_cat; right; move: (known' (i - size forms)%N); rewrite eA ec.
  rewrite -(ltn_add2l (size forms)) subnKC // => /(_ lt_i); congr (member (Row _ _ _) _).
  have size_forms : size forms = size W by rewrite size_affine.
  by move: ge_i; rewrite size_forms nth_cat size_map size_enum_ord ltnNge => ->.
by move=> J0 /jac <-; rewrite eA !mulmxA.
Qed.
End Open.
End Vectors.
